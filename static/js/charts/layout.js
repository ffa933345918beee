/** Plotly layouts and traces of a chart: live (relative axis, fixed ticks) and still (dates or steps, own ticks). */
import { relativeLabel, timeZone } from "../lib/time.js";
import { colours, faint } from "./colours.js";
import { MARGIN } from "./overlay.js";
import { relativeTicks, yTicks } from "./spec.js";

const TICK_FORMATS = { ratio: ".0%", bytes: "~s", watts: "~s", bytes_per_second: "~s", joules_per_second: "~s" };
const SUFFIXES = { bytes: "B", watts: "W", celsius: " °C", bytes_per_second: "B/s", joules_per_second: "W" };

function shared(spec, range, size) {
  const c = colours();
  const font = { family: getComputedStyle(document.body).fontFamily, size: 11, color: c.text };
  return {
    ...size,
    autosize: false,
    margin: { ...MARGIN, autoexpand: false, pad: 0 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font,
    showlegend: false,
    dragmode: "zoom",
    hovermode: false, // the read-out of the group is ours, live and still alike
    modebar: { bgcolor: "rgba(0,0,0,0)", color: c.text, activecolor: c.accent, orientation: "h" },
    xaxis: axis(c),
    yaxis: { ...axis(c), ticklabelstandoff: 2, range: [...range], ...yTicks(range, spec.unit, spec.digits) },
    shapes: spec.limits.map((limit) => limitLine(limit, c)),
    annotations: spec.limits.map((limit) => limitLabel(limit, c)),
    datarevision: Math.random(),
  };
}

function axis(c) {
  return { gridcolor: c.grid, gridwidth: 1, zeroline: false, showline: false, ticks: "", tickfont: { size: 11, color: c.text }, automargin: false, fixedrange: false, ticklabeloverflow: "allow", ticklabelstandoff: 4, exponentformat: "e" };
}

function tone(limit, c) {
  return { critical: c.critical, warning: c.warning }[limit.tone] ?? c.neutral;
}

function limitLine(limit, c) {
  return { type: "line", xref: "paper", x0: 0, x1: 1, y0: limit.value, y1: limit.value, line: { color: tone(limit, c), width: 1, dash: "4px,3px" } };
}

function limitLabel(limit, c) {
  return { xref: "paper", x: 1, xanchor: "right", y: limit.value, yanchor: "bottom", yshift: -1, text: limit.label ?? "", showarrow: false, font: { size: 11, color: tone(limit, c), weight: 600 }, borderpad: 0 };
}

/** Live: x is seconds before now, so ticks never move. */
export function liveLayout(spec, range, size) {
  const layout = shared(spec, range, size);
  const tickvals = relativeTicks(spec.window, size.width - MARGIN.l - MARGIN.r);
  Object.assign(layout.xaxis, { type: "linear", range: [-spec.window, 0], tickvals, ticktext: tickvals.map(relativeLabel) });
  return layout;
}

/** Still: paused, history or a finished run. Plotly chooses x ticks; bands and marks are shapes, so exports hold them. */
export function stillLayout(spec, range, size, view) {
  const layout = shared(spec, range, size);
  const x = (value) => (spec.steps ? value : wallMilliseconds(value));
  Object.assign(layout.xaxis, { type: spec.steps ? "linear" : "date", range: [x(view.x0), x(view.x1)], nticks: Math.max(3, Math.round(size.width / 110)), ...dateTicks(spec, view) });
  if (!spec.yRange && !spec.zeroBased) layout.yaxis = { ...layout.yaxis, ...freeTicks(spec) };
  layout.shapes.push(...spec.bands.map((band) => bandShape(band, view, x)), ...spec.marks.flatMap((mark) => markShapes(mark, x)));
  return layout;
}

/** Times of day within a day, days beyond: one line of labels, so that the margin stays fixed. */
function dateTicks(spec, { x0, x1 }) {
  if (spec.steps) return {};
  const span = x1 - x0;
  return { tickformat: span > 2 * 86400 ? "%d %b" : span < 600 ? "%H:%M:%S" : "%H:%M" };
}

/** Ticks that Plotly chooses, for ranges the reader or the data made. */
export function freeTicks(spec) {
  return { tickmode: "auto", tickvals: null, ticktext: null, nticks: 5, tickformat: spec.unit === "ratio" && spec.digits ? `.${spec.digits}%` : (TICK_FORMATS[spec.unit] ?? ""), ticksuffix: SUFFIXES[spec.unit] ?? "" };
}

function bandShape(band, view, x) {
  return { type: "rect", yref: "paper", y0: 0, y1: 1, x0: x(Math.max(band.from, view.x0)), x1: x(band.to ?? view.x1), line: { width: 0 }, fillcolor: colours().band, layer: "below" };
}

/* A dotted line with a diamond at its head, as the overlay paints it while a run goes on. */
function markShapes(mark, x) {
  const colour = colours().starting;
  const diamond = { type: "path", path: "M 0 0 L 4 4 L 0 8 L -4 4 Z", xsizemode: "pixel", ysizemode: "pixel", xanchor: x(mark.x), yref: "paper", yanchor: 1, fillcolor: colour, line: { width: 0 } };
  return [{ type: "line", yref: "paper", y0: 0, y1: 1, x0: x(mark.x), x1: x(mark.x), line: { color: colour, width: 1, dash: "dot" } }, diamond];
}

/** Plotly traces of lines {name, hue, dash, role, x, y, visible}. */
export function tracesOf(lines, xOf) {
  const c = colours();
  return lines.map((line) => ({
    type: "scatter",
    mode: line.markers ? "lines+markers" : "lines",
    name: line.name,
    x: xOf(line),
    y: line.y,
    meta: { series: line.id },
    visible: line.visible,
    connectgaps: false,
    marker: { size: 5, color: c.series[line.hue] },
    line: { color: c.series[line.hue], width: line.role === "line" ? 1.5 : 0, dash: line.dash },
    ...(line.role === "high" ? { fill: "tonexty", fillcolor: faint(c.series[line.hue], 0.25) } : {}),
  }));
}

let zoneFormat = null;

/** Milliseconds that read, taken as UTC, as the reader's wall clock: Plotly's dates know no zones. */
export function wallMilliseconds(seconds) {
  return seconds * 1000 + offsetMilliseconds(seconds);
}

/** Unix seconds of what Plotly says on a date axis (text or milliseconds). */
export function secondsOfWall(value) {
  const milliseconds = typeof value === "number" ? value : Date.parse(`${String(value).replace(" ", "T")}Z`);
  return (milliseconds - offsetMilliseconds(milliseconds / 1000)) / 1000;
}

const offsets = new Map();

function offsetMilliseconds(seconds) {
  const quarter = Math.floor(seconds / 900); // zones change on quarter hours at the finest
  if (!offsets.has(quarter)) offsets.set(quarter, computeOffset(quarter * 900));
  return offsets.get(quarter);
}

function computeOffset(seconds) {
  zoneFormat ??= new Intl.DateTimeFormat("en-GB", { timeZone: timeZone() || undefined, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
  const part = Object.fromEntries(zoneFormat.formatToParts(seconds * 1000).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) - Math.floor(seconds) * 1000;
}
