/** The table twin of a chart: the same values as rows, newest first, for readers of tables and screen readers. */
import { make } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { withUnit } from "../lib/numbers.js";
import { clock } from "../lib/time.js";

const ROWS = 60;

/** Fill `host` from lines {name, x, y}; at most 60 rows, evenly chosen, the newest among them. */
export function fillTwin(host, lines, spec) {
  const table = make("table", { class: "table table-compact" });
  table.append(head(lines, spec), body(lines, spec));
  host.replaceChildren(table);
}

function head(lines, spec) {
  const cells = lines.map((line) => make("th", { scope: "col", class: "num" }, line.name));
  return make("thead", {}, make("tr", {}, make("th", { scope: "col" }, spec.steps ? gettext("Step") : gettext("Time")), ...cells));
}

function body(lines, spec) {
  const longest = lines.reduce((a, b) => (b.x.length > a.x.length ? b : a), { x: [] });
  const stride = Math.max(1, Math.ceil(longest.x.length / ROWS));
  const rows = [];
  for (let i = longest.x.length - 1; i >= 0; i -= stride) {
    if (lines.some((line) => line.y[i] === line.y[i])) rows.push(rowOf(lines, longest.x[i], spec));
  }
  return make("tbody", {}, ...rows);
}

function rowOf(lines, x, spec) {
  const cells = lines.map((line) => make("td", { class: "num" }, withUnit(valueAt(line, x), spec.unit, spec.digits)));
  return make("tr", {}, make("th", { scope: "row", class: "nowrap" }, spec.steps ? String(x) : clock(x)), ...cells);
}

function valueAt(line, x) {
  const at = line.x.indexOf(x);
  return at < 0 ? NaN : line.y[at];
}
