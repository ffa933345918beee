/** Zooming a chart: the page pauses, the whole group shows the same span. */
import { change } from "../lib/livestate.js";
import { shareZoom } from "./group.js";
import { freeTicks, secondsOfWall, wallMilliseconds } from "./layout.js";

export class Zoom {
  constructor(chart) {
    this.chart = chart;
    this.own = false;
  }

  listen() {
    if (this.listening) return;
    this.listening = true;
    this.chart.plot.on("plotly_relayout", (event) => this.zoomed(event));
  }

  /** Plotly tells every change of an axis; ours are marked and skipped. */
  async zoomed(event) {
    if (this.own) return;
    const y = "yaxis.range[0]" in event ? [event["yaxis.range[0]"], event["yaxis.range[1]"]] : null;
    const x = event["xaxis.range"] ?? ("xaxis.range[0]" in event ? [event["xaxis.range[0]"], event["xaxis.range[1]"]] : null);
    if (!x) return;
    const span = x.map((value) => this.toX(value));
    if (this.chart.mode !== "still") {
      change({ live: false });
      await this.to(span);
    }
    if (y) await this.toY(y);
    shareZoom(this.chart.group, this.chart, span);
  }

  /** Show a span of time (or steps) without telling the group again. */
  async to([from, to]) {
    await this.chart.drawing;
    if (!this.chart.plot.layout || this.chart.mode !== "still") return;
    const x = (value) => (this.chart.spec.steps ? value : wallMilliseconds(value));
    await this.relayout({ "xaxis.range": [x(from), x(to)], "xaxis.autorange": false });
  }

  /** After a zoom in y the fixed ticks no longer fit: Plotly chooses. */
  toY(range) {
    const ticks = Object.entries(freeTicks(this.chart.spec)).map(([name, value]) => [`yaxis.${name}`, value]);
    return this.relayout({ "yaxis.range": range, ...Object.fromEntries(ticks) });
  }

  async relayout(update) {
    this.own = true;
    await globalThis.Plotly.relayout(this.chart.plot, update);
    this.own = false;
  }

  /** Seconds (or steps) of a value on Plotly's x axis. */
  toX(value) {
    if (this.chart.mode === "live") return this.chart.span.x1 + Number(value);
    return this.chart.spec.steps ? Number(value) : secondsOfWall(value);
  }

  /** The span of x on the screen, zoomed or not. */
  shown() {
    if (this.chart.mode !== "still" || !this.chart.plot.layout) return this.chart.span;
    const [x0, x1] = this.chart.plot.layout.xaxis.range.map((value) => this.toX(value));
    return { x0, x1 };
  }
}
