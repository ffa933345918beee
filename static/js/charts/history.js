/** History of a chart from the store: fetched for a range, refreshed while it is shown, aborted when unwanted. */
import { gettext } from "../lib/i18n.js";
import { current } from "../lib/livestate.js";

const REFRESH_MILLISECONDS = 30_000;

export class History {
  constructor(chart) {
    this.chart = chart;
    this.liveFigure = null;
  }

  get isShown() {
    return this.liveFigure !== null;
  }

  /** Show a range ("1h"); a newer wish aborts an older request. */
  async load(range) {
    const address = this.chart.element.dataset.figureUrl;
    if (!address) return;
    this.stop();
    this.request = new AbortController();
    this.chart.element.setAttribute("aria-busy", "true");
    try {
      this.show(await this.fetch(address, range), range);
    } catch (error) {
      if (error.name !== "AbortError") this.chart.words.say(gettext("History could not be read"));
    } finally {
      this.chart.element.removeAttribute("aria-busy");
    }
  }

  async fetch(address, range) {
    const joined = `${address}${address.includes("?") ? "&" : "?"}range=${range}`;
    const answer = await fetch(joined, { signal: this.request.signal, headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer.json();
  }

  show(figure, range) {
    this.liveFigure ??= this.chart.figure;
    const meta = { ...this.liveFigure.layout?.meta, ...figure.layout?.meta, mode: "still" };
    const data = figure.data.map((trace) => this.named(trace));
    this.chart.take({ data, layout: { ...figure.layout, meta } }, null);
    this.chart.redraw();
    this.refresh = setTimeout(() => current().range === range && this.load(range), REFRESH_MILLISECONDS);
  }

  /** A line keeps the name and colour that it had when live. */
  named(trace) {
    const known = this.liveFigure.data ?? [];
    const at = known.findIndex((line) => line.meta?.series && line.meta.series === trace.meta?.series);
    if (at < 0) return trace;
    return { ...trace, name: known[at].name, meta: { hue: (at % 8) + 1, ...trace.meta, ...known[at].meta } };
  }

  /** Back to the figure the page came with; null when no history was shown. */
  leave() {
    this.stop();
    const figure = this.liveFigure;
    this.liveFigure = null;
    return figure;
  }

  stop() {
    this.request?.abort();
    clearTimeout(this.refresh);
  }
}
