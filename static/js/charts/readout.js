/** One read-out beside the pointer for a whole group: the time, then each chart's values there. */
import { make } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { withUnit } from "../lib/numbers.js";
import { clock } from "../lib/time.js";
import { chartsOf } from "./group.js";
import { spanText } from "./spec.js";

const FEW = 3;
let box = null;

/** Show the values of all charts of `origin`'s group at x, at the pointer (client pixels). */
export function showReadout(origin, x, pointer) {
  box ??= document.body.appendChild(make("div", { class: "readout", "aria-hidden": "true" }));
  const place = origin.spec.steps ? gettext("step %(n)s", { n: Math.round(x) }) : clock(x);
  box.replaceChildren(make("b", { class: "readout-head" }, place), ...[...chartsOf(origin.group)].flatMap((chart) => rowsOf(chart, chart === origin)));
  box.hidden = false;
  const flip = pointer.x + 24 + box.offsetWidth > innerWidth;
  const left = flip ? pointer.x - 16 - box.offsetWidth : pointer.x + 16;
  const top = Math.min(pointer.y + 12, innerHeight - box.offsetHeight - 8);
  box.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
}

export function hideReadout() {
  if (box) box.hidden = true;
}

/** Every line of a chart with few, or of the one under the pointer; the span of the others. */
function rowsOf(chart, isOrigin) {
  const { unit, digits, lines } = chart.spec;
  const drawn = lines.filter((line) => line.role === "line" && line.visible);
  if (!drawn.length || !chart.started) return [];
  if (drawn.length > FEW && !isOrigin) return [row(chart.title, spanText(drawn.map((line) => chart.valueOf(line)), unit, digits) ?? "–")];
  return drawn.map((line) => row(line.name || chart.title, withUnit(chart.valueOf(line), unit, digits), line.hue));
}

function row(label, value, hue = null) {
  const mark = hue ? [make("span", { class: `legend-line legend-${hue}` })] : [];
  return make("div", { class: "readout-row" }, make("span", { class: "readout-label" }, ...mark, label), make("span", {}, value));
}
