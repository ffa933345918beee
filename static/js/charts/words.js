/** Everything of a chart that is text: legend, read-out in its head, table twin, summary for screen readers. */
import { setText } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { withUnit } from "../lib/numbers.js";
import { clock } from "../lib/time.js";
import { isStale } from "../live.js";
import { chartsOf } from "./group.js";
import { Legend } from "./legend.js";
import { extentOf, spanText } from "./spec.js";
import { fillTwin } from "./twin.js";

const MANY_LINES = 3;
const TWIN_MILLISECONDS = 5000;

export class Words {
  constructor(chart) {
    this.chart = chart;
    this.part = (name) => chart.element.querySelector(`[data-chart-${name}]`);
    this.part("table")?.addEventListener("click", () => this.toggleTwin());
  }

  /** A new figure: name its lines. */
  name() {
    const host = this.legendHost();
    const { spec, title } = this.chart;
    const lines = spec.lines.length === 1 && spec.lines[0].name === title ? [] : spec.lines;
    this.legend = new Legend(host, lines, (line) => this.toggleLine(line, host !== this.part("legend")));
  }

  /** Few lines are named in the chart's head, many once for the whole group where the page has a place for it. */
  legendHost() {
    const { spec, group, element } = this.chart;
    const shared = document.querySelector(`[data-chart-group-legend="${CSS.escape(group)}"]`);
    if (spec.lines.length <= MANY_LINES || !shared) return this.part("legend");
    shared.dataset.owner ??= element.dataset.figure;
    return shared.dataset.owner === element.dataset.figure ? shared : null;
  }

  /** Hide or show a line; one of a shared legend in all charts of the group. */
  toggleLine(line, isShared) {
    for (const chart of isShared ? chartsOf(this.chart.group) : [this.chart]) {
      for (const other of chart.spec.lines) if (other.name === line.name) other.visible = line.visible;
      chart.redraw();
    }
  }

  /** Legend values and the read-out, each tick and at each move of the cursor. */
  refresh() {
    const { spec, element } = this.chart;
    this.legend.show((line) => this.chart.valueOf(line), spec.unit, spec.digits);
    const since = this.staleSince();
    if (element.hasAttribute("data-stale") !== (since !== null)) element.toggleAttribute("data-stale", since !== null);
    this.say(since === null ? this.readout() : gettext("stale since %(time)s", { time: clock(since) }));
    if (!this.part("twin").hidden) this.refreshTwin();
  }

  staleSince() {
    const { feed, mode } = this.chart.points;
    if (mode !== "live" || !feed || !isStale(feed)) return null;
    return feed.ring.newestSeconds - Math.round((performance.now() - feed.heardAt) / 1000);
  }

  readout() {
    const { spec, cursorX } = this.chart;
    const lines = spec.lines.filter((line) => line.role === "line" && line.visible);
    const place = cursorX === null ? null : this.placeOf(cursorX);
    if (lines.length <= MANY_LINES && this.legend.lines.length) return place ?? "";
    const span = spanText(lines.map((line) => this.chart.valueOf(line)), spec.unit, spec.digits);
    return [place, span].filter(Boolean).join(" · ");
  }

  placeOf(x) {
    return this.chart.spec.steps ? gettext("step %(n)s", { n: Math.round(x) }) : clock(x);
  }

  say(text) {
    setText(this.part("readout"), text);
  }

  toggleTwin() {
    const [twin, { host }] = [this.part("twin"), this.chart];
    twin.style.height = `${this.chart.size?.height ?? 170}px`;
    twin.hidden = !twin.hidden;
    host.hidden = !twin.hidden;
    this.part("table").setAttribute("aria-pressed", String(!twin.hidden));
    this.filledAt = -Infinity;
    if (!twin.hidden) this.refreshTwin();
  }

  refreshTwin() {
    if (performance.now() - this.filledAt < TWIN_MILLISECONDS) return;
    this.filledAt = performance.now();
    const { spec, points } = this.chart;
    fillTwin(this.part("twin"), spec.lines.map((line) => ({ name: line.name, ...points.absolute(line) })), spec);
  }

  summarise(lines) {
    const { unit, digits } = this.chart.spec;
    const span = spanText(lines.map((line) => this.chart.valueOf(line)), unit, digits);
    const [low, high] = (extentOf({ limits: [] }, lines.map((line) => line.y)) ?? []).map((value) => withUnit(value, unit, digits));
    const text = gettext("%(count)s lines, now %(span)s, between %(low)s and %(high)s in the time shown.", { count: lines.length, span, low, high });
    setText(this.part("summary"), span ? text : gettext("No values yet."));
  }
}
