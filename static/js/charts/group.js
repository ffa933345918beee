/** Charts of one group share the cursor, the zoom and one hold: what one does, all show. */

const groups = new Map();

/** Join `name`; returns the Set of charts in it. */
export function join(name, chart) {
  if (!groups.has(name)) groups.set(name, new Set());
  groups.get(name).add(chart);
  return groups.get(name);
}

export function leave(name, chart) {
  groups.get(name)?.delete(chart);
}

/** The charts of a group, in page order. */
export function chartsOf(name) {
  return groups.get(name) ?? new Set();
}

/** Show the cursor of all charts of a group at x (seconds or steps); null hides it. */
export function showCursor(name, x) {
  for (const chart of groups.get(name) ?? []) chart.showCursor(x);
  document.dispatchEvent(new CustomEvent("dcp:cursor", { detail: { group: name, x } }));
}

/** Zoom all other charts of the group to the same span. */
export function shareZoom(name, origin, span) {
  for (const chart of groups.get(name) ?? []) if (chart !== origin) chart.zoomTo(span);
}
