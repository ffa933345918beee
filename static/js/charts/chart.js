/**
 * One chart: Plotly draws axes, zoom and pictures; while values move, the overlay paints the lines.
 *
 * Modes: "live" (the last seconds of a topic, relative axis), "run" (a growing line from start to now), "still"
 * (paused, history, ended: Plotly draws the lines too). In every mode Plotly's data hold the very points shown.
 */
import { jsonOf, setText } from "../lib/dom.js";
import { gettext } from "../lib/i18n.js";
import { change, current, onChange } from "../lib/livestate.js";
import { withUnit } from "../lib/numbers.js";
import { Series } from "../lib/series.js";
import { onThemeChange } from "../lib/theme.js";
import { clock } from "../lib/time.js";
import { isStale, onTick, schedule, watch } from "../live.js";
import { colours } from "./colours.js";
import { chartsOf, join, shareZoom, showCursor } from "./group.js";
import { freeTicks, liveLayout, secondsOfWall, stillLayout, tracesOf, wallMilliseconds } from "./layout.js";
import { Legend } from "./legend.js";
import { MARGIN, Overlay } from "./overlay.js";
import { config, plotly } from "./plotly.js";
import { extentOf, nearest, rangeFor, spanText, specOf } from "./spec.js";
import { hideReadout, showReadout } from "./readout.js";
import { fillTwin } from "./twin.js";

const MANY_LINES = 3;

export class Chart {
  constructor(element) {
    this.element = element;
    this.part = (name) => element.querySelector(`[data-chart-${name}]`);
    this.group = element.dataset.group;
    this.topic = element.dataset.topic || null;
    this.host = this.part("plot");
    this.title = element.querySelector(".chart-title")?.textContent ?? "";
    this.plot = document.createElement("div");
    this.plot.className = "chart-plotly";
    this.host.append(this.plot);
    this.overlay = new Overlay(this.host);
    this.drawing = Promise.resolve();
    this.take(jsonOf(element.dataset.figure) ?? {});
    join(this.group, this);
    this.paint = this.paint.bind(this);
    this.observe();
  }

  /** Read a figure: settings, lines, legend. */
  take(figure) {
    this.figure = figure;
    this.spec = specOf(figure);
    this.base = figure.layout?.meta?.mode === "run" ? "run" : this.topic ? "live" : "still";
    for (const line of this.spec.lines) line.series = seriesOf(line);
    const host = this.legendHost();
    this.legend = new Legend(host, this.spec.lines, (line) => this.toggleLine(line, host !== this.part("legend")));
  }

  /** Few lines are named in the chart's head, many once for the whole group where the page has a place for it. */
  legendHost() {
    const shared = document.querySelector(`[data-chart-group-legend="${CSS.escape(this.group)}"]`);
    if (this.spec.lines.length <= MANY_LINES || !shared) return this.part("legend");
    shared.dataset.owner ??= this.element.dataset.figure;
    return shared.dataset.owner === this.element.dataset.figure ? shared : null;
  }

  /** Hide or show a line; one of a shared legend in all charts of the group. */
  toggleLine(line, isShared) {
    for (const chart of isShared ? chartsOf(this.group) : [this]) {
      for (const other of chart.spec.lines) if (other.name === line.name) other.visible = line.visible;
      chart.redraw();
    }
  }

  observe() {
    new IntersectionObserver(([entry]) => this.seen(entry.isIntersecting), { rootMargin: "120px" }).observe(this.host);
    new ResizeObserver(() => this.resized()).observe(this.host);
    this.host.addEventListener("pointermove", (event) => this.pointer(event));
    this.host.addEventListener("pointerleave", () => this.left());
    this.part("table")?.addEventListener("click", () => this.toggleTwin());
    onThemeChange(() => this.redraw());
    onChange((state, before) => this.stateChanged(state, before));
  }

  seen(visible) {
    this.visible = visible;
    if (!visible) return;
    if (!this.started) this.start();
    else if (this.late) this.redraw();
    else this.paint();
  }

  start() {
    this.started = true;
    this.fit();
    if (this.base === "live") this.startLive();
    this.mode = current().live || this.base === "still" ? this.base : "still";
    if (current().range !== "live" && this.element.dataset.figureUrl) this.load(current().range);
    this.paint();
    this.redraw();
  }

  startLive() {
    this.feed = watch(this.topic);
    const { ring } = this.feed;
    const count = Math.min(this.spec.window + 1, ring.capacity);
    this.relative = Float64Array.from({ length: count }, (_, i) => i - count + 1);
    for (const line of this.spec.lines) {
      prefill(ring, line);
      line.view = ring.row(line.id).subarray(ring.capacity - count);
    }
    onTick(this.topic, this.paint);
  }

  /** The points shown now: x in seconds or steps, y in the unit; live ones are views of the ring. */
  lines() {
    const series = colours().series;
    return this.spec.lines.map((line) => ({ ...line, colour: series[line.hue], ...this.points(line) }));
  }

  points(line) {
    if (this.mode === "live") return { y: line.view, x: undefined };
    if (this.frozen) return this.frozen.get(line.id);
    return { x: line.series.x, y: line.series.y };
  }

  view() {
    if (this.mode === "live" || this.frozen) {
      const newest = this.held ?? this.frozenAt ?? this.feed.ring.newestSeconds ?? Date.now() / 1000;
      return { x0: newest - this.spec.window, x1: newest };
    }
    return this.growingView();
  }

  /** From the first point to a little past the last; moves in tenths, so that the axis is laid out rarely. */
  growingView() {
    const { from, to } = this.figure.layout?.meta ?? {};
    if (from) return { x0: from, x1: to ?? from + roundSpan(Date.now() / 1000 - from) };
    const known = this.spec.lines.filter((line) => line.series.length);
    if (!known.length) return { x0: Date.now() / 1000 - 60, x1: Date.now() / 1000 };
    const first = Math.min(...known.map((line) => line.series.xs[0]));
    const last = Math.max(...known.map((line) => line.series.xs[line.series.length - 1]));
    if (this.mode !== "run") return { x0: first, x1: Math.max(last, first + 1) };
    if (!this.until || last > this.until || this.until - last > (last - first) * 0.4 + 30) this.until = last + Math.max(10, (last - first) * 0.1);
    return { x0: first, x1: this.until };
  }

  /** One tick: paint the moving lines and figures. Called inside the page's rAF loop. */
  paint() {
    if (!this.visible || !this.started) return;
    this.figures();
    if (this.mode === "still" || this.held) return;
    const lines = this.lines();
    const shown = lines.filter((line) => line.visible);
    this.adjustRange(shown);
    this.span = this.view();
    if (this.mode === "run") this.adjustSpan();
    const view = { ...this.span, y0: this.range[0], y1: this.range[1] };
    if (this.mode === "live") this.overlay.paintTick(view, shown, this.spec, this.pictureKey(shown));
    else this.overlay.paint(view, shown, this.spec);
    if (!this.part("twin").hidden) this.refreshTwin();
  }

  /** Everything the moving picture depends on besides the newest columns. */
  pictureKey(shown) {
    return [...this.range, this.feed.ring.rewritten, ...shown.map((line) => line.id + line.colour)].join(" ");
  }

  adjustRange(lines) {
    const range = rangeFor(this.spec, extentOf(this.spec, lines.map((line) => line.y)), this.range);
    const moved = this.range && (range[0] !== this.range[0] || range[1] !== this.range[1]);
    this.range = range;
    if (moved) this.redraw();
  }

  adjustSpan() {
    const drawn = this.drawnSpan;
    if (drawn && (drawn.x0 !== this.span.x0 || drawn.x1 !== this.span.x1)) this.redraw();
    else this.handOver();
  }

  /** Give Plotly the grown points without drawing them. */
  handOver() {
    if (!this.plot.data) return;
    this.spec.lines.forEach((line, i) => Object.assign(this.plot.data[i], { x: this.plotlyX(line.series), y: line.series.y }));
  }

  plotlyX(points) {
    if (!points.x) return this.relative;
    return this.spec.steps ? points.x : Float64Array.from(points.x, wallMilliseconds);
  }

  /** Draw everything through Plotly: first time, new theme, new size, paused, new figure. One drawing at a time. */
  redraw() {
    if (!this.started) return this.drawing;
    this.late = !this.visible;
    if (this.late || this.queued) return this.drawing;
    this.queued = true;
    this.drawing = this.drawing.then(() => this.draw()).catch((error) => console.error("chart:", error));
    return this.drawing;
  }

  async draw() {
    const Plotly = await plotly();
    this.queued = false;
    this.fit();
    const lines = this.lines();
    this.range ??= rangeFor(this.spec, extentOf(this.spec, lines.map((line) => line.y)), null);
    if (this.mode === "still") this.range = rangeFor(this.spec, extentOf(this.spec, lines.filter((line) => line.visible).map((line) => line.y)), null);
    this.span = this.drawnSpan = this.view();
    const layout = this.mode === "live" ? liveLayout(this.spec, this.range, this.size) : stillLayout(this.spec, this.range, this.size, this.span);
    this.element.classList.toggle("chart-moving", this.mode !== "still");
    await Plotly.react(this.plot, tracesOf(lines, (line) => this.plotlyX(line)), layout, config(() => this.save()));
    if (!this.listening) this.listen();
    if (this.mode === "still") this.overlay.clear();
    else this.paint();
    this.summarise(lines);
  }

  listen() {
    this.listening = true;
    this.plot.on("plotly_relayout", (event) => this.zoomed(event));
  }

  /** The reader zoomed: pause, and show the same span in the whole group. */
  async zoomed(event) {
    if (this.own) return;
    if ("yaxis.range[0]" in event) this.freeY = [event["yaxis.range[0]"], event["yaxis.range[1]"]];
    if ("xaxis.range[0]" in event || "xaxis.range" in event) {
      const range = event["xaxis.range"] ?? [event["xaxis.range[0]"], event["xaxis.range[1]"]];
      const span = range.map((value) => this.secondsOfAxis(value));
      if (this.mode !== "still") {
        change({ live: false });
        await this.drawing;
        await this.zoomTo(span);
      }
      await this.zoomY();
      shareZoom(this.group, this, span);
    }
  }

  /** After a zoom in y the fixed ticks no longer fit: Plotly chooses. */
  async zoomY() {
    if (!this.freeY) return;
    const ticks = Object.entries(freeTicks(this.spec)).map(([name, value]) => [`yaxis.${name}`, value]);
    this.own = true;
    await globalThis.Plotly.relayout(this.plot, { "yaxis.range": this.freeY, ...Object.fromEntries(ticks) });
    this.own = false;
    this.freeY = null;
  }

  secondsOfAxis(value) {
    if (this.mode === "live") return this.span.x1 + Number(value);
    return this.spec.steps ? Number(value) : secondsOfWall(value);
  }

  /** Show one span of time (or steps) without telling the group again. */
  async zoomTo([from, to]) {
    await this.drawing;
    if (!this.plot.layout || this.mode !== "still") return;
    const x = (value) => (this.spec.steps ? value : wallMilliseconds(value));
    this.own = true;
    await globalThis.Plotly.relayout(this.plot, { "xaxis.range": [x(from), x(to)], "xaxis.autorange": false });
    this.own = false;
  }

  /** Save the picture as shown: settled first, so that the file holds the points on the screen. */
  async save() {
    const before = this.mode;
    if (before !== "still") {
      this.freeze();
      await this.redraw();
    }
    await globalThis.Plotly.downloadImage(this.plot, { format: "png", scale: 2, filename: this.title || "chart" });
    if (before !== "still") this.thaw();
  }

  stateChanged({ live, range }, before) {
    if (!this.started) return;
    if (range !== before.range && range !== "live") this.load(range);
    else if (live && this.mode === "still") this.thaw();
    else if (!live && this.mode !== "still") {
      this.freeze();
      this.redraw();
    }
  }

  /** Keep the points of this moment; collection goes on in the ring. */
  freeze() {
    if (this.mode === "live") {
      this.frozenAt = this.held ?? this.feed.ring.newestSeconds ?? Date.now() / 1000;
      this.frozen = new Map(this.spec.lines.map((line) => [line.id, this.absolute(line)]));
    }
    this.mode = "still";
  }

  absolute(line) {
    const { ring } = this.feed;
    const late = Math.round((ring.newestSeconds ?? this.frozenAt) - this.frozenAt);
    const end = ring.capacity - late;
    const count = this.relative.length;
    return { x: this.relative.map((x) => this.frozenAt + x), y: ring.row(line.id).slice(Math.max(0, end - count), end) };
  }

  thaw() {
    this.request?.abort();
    clearTimeout(this.refresh);
    if (this.history) this.take(this.liveFigure);
    if (this.history && this.base === "live") this.startLive();
    Object.assign(this, { frozen: null, frozenAt: null, held: null, history: false, mode: this.base, range: null });
    this.redraw();
  }

  /** Show a span of history from the store; a newer wish aborts an older request. */
  async load(range) {
    const address = this.element.dataset.figureUrl;
    if (!address) return;
    this.request?.abort();
    this.request = new AbortController();
    this.element.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(`${address}${address.includes("?") ? "&" : "?"}range=${range}`, { signal: this.request.signal, headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`${answer.status}`);
      this.showHistory(await answer.json(), range);
    } catch (error) {
      if (error.name !== "AbortError") this.say(gettext("History could not be read"));
    } finally {
      this.element.removeAttribute("aria-busy");
    }
  }

  showHistory(figure, range) {
    if (!this.history) this.liveFigure = this.figure;
    this.take({ ...figure, layout: { ...figure.layout, meta: { ...this.liveFigure.layout?.meta, ...figure.layout?.meta, mode: undefined } } });
    Object.assign(this, { history: true, frozen: null, mode: "still", range: null });
    this.redraw();
    clearTimeout(this.refresh);
    this.refresh = setTimeout(() => current().range === range && this.load(range), 30_000);
  }

  /** Add points to a growing line (mode run): xs in seconds or steps, ys in the unit. Unknown ids are ignored. */
  append(id, xs, ys) {
    const line = this.spec.lines.find((known) => known.id === id);
    if (!line) return;
    for (let i = 0; i < xs.length; i++) line.series.push(xs[i], ys[i]);
    schedule(this.paint);
  }

  /** Replace the whole figure, e.g. when time becomes step. */
  show(figure) {
    this.take(figure);
    Object.assign(this, { range: null, until: null, frozen: null, mode: current().live ? this.base : "still" });
    return this.redraw();
  }

  /** End of a run: Plotly draws from now on. */
  settle() {
    this.base = this.mode = "still";
    return this.redraw();
  }

  fit() {
    const size = { width: this.host.clientWidth, height: this.host.clientHeight };
    if (this.size?.width === size.width && this.size?.height === size.height) return false;
    this.size = size;
    this.overlay.resize(size.width, size.height);
    return true;
  }

  resized() {
    if (this.started && this.host.clientWidth && this.fit()) this.redraw();
  }

  pointer(event) {
    if (!this.span) return;
    const inside = event.clientX - this.host.getBoundingClientRect().left - MARGIN.l;
    if (this.mode === "live") this.hold();
    const x = this.xAt(inside);
    showCursor(this.group, x);
    if (event.pointerType !== "touch") showReadout(this, x, { x: event.clientX, y: event.clientY });
  }

  xAt(pixel) {
    const { x0, x1 } = this.zoomedSpan();
    const x = x0 + (Math.min(Math.max(pixel, 0), this.overlay.width) / this.overlay.width) * (x1 - x0);
    return x;
  }

  zoomedSpan() {
    if (this.mode !== "still" || !this.plot.layout) return this.span;
    const [x0, x1] = this.plot._fullLayout.xaxis.range.map((value) => this.secondsOfAxis(value));
    return { x0, x1 };
  }

  /** A pointer over a live group holds the picture of all its charts; leaving lets it go. */
  hold() {
    if (this.held) return;
    this.held = this.span.x1;
  }

  left() {
    showCursor(this.group, null);
    hideReadout();
    this.held = null;
    this.paint();
  }

  showCursor(x) {
    if (!this.started || !this.span) return;
    if (x === null) this.held = null;
    else if (this.mode === "live") this.hold();
    this.cursorX = x;
    const { x0, x1 } = this.zoomedSpan();
    this.overlay.moveCursor(x === null ? null : ((x - x0) / (x1 - x0)) * this.overlay.width);
    this.figures();
  }

  /** The value of a line at x, or the newest. */
  valueOf(line) {
    const wanted = this.cursorX ?? null;
    if (this.mode === "live") {
      const { ring } = this.feed;
      const back = wanted === null ? null : Math.round((ring.newestSeconds ?? 0) - wanted);
      return back === null ? ring.latest(line.id) : ring.row(line.id)[ring.capacity - 1 - back];
    }
    const { x, y } = this.points(line);
    return wanted === null ? lastKnown(y) : y[nearest(x, wanted)];
  }

  /** Legend values and the read-out at the card's right. */
  figures() {
    const { unit, digits } = this.spec;
    this.legend.show((line) => this.valueOf(line), unit, digits);
    const stale = this.feed && this.mode === "live" && isStale(this.feed);
    if (this.element.hasAttribute("data-stale") !== Boolean(stale)) this.element.toggleAttribute("data-stale", Boolean(stale));
    this.say(stale ? gettext("stale since %(time)s", { time: clock(this.feed.ring.newestSeconds - silentColumns(this.feed)) }) : this.readout(unit, digits));
  }

  readout(unit, digits) {
    const lines = this.spec.lines.filter((line) => line.role === "line" && line.visible);
    const at = this.cursorX ?? null;
    const place = at === null ? null : this.spec.steps ? gettext("step %(n)s", { n: Math.round(at) }) : clock(at);
    if (lines.length <= MANY_LINES && this.legend.lines.length) return place ?? "";
    const span = spanText(lines.map((line) => this.valueOf(line)), unit, digits);
    return [place, span].filter(Boolean).join(" · ");
  }

  say(text) {
    setText(this.part("readout"), text);
  }

  toggleTwin() {
    const twin = this.part("twin");
    twin.style.height = `${this.size?.height ?? 170}px`;
    twin.hidden = !twin.hidden;
    this.host.hidden = !twin.hidden;
    this.part("table").setAttribute("aria-pressed", String(!twin.hidden));
    this.twinAt = 0;
    if (!twin.hidden) this.refreshTwin();
  }

  /** Rebuild the table at most every 5 s. */
  refreshTwin() {
    if (performance.now() - (this.twinAt ?? 0) < 5000 && this.twinAt) return;
    this.twinAt = performance.now();
    const lines = this.spec.lines.map((line) => ({ name: line.name, ...(this.mode === "live" ? this.absoluteNow(line) : this.points(line)) }));
    fillTwin(this.part("twin"), lines, this.spec);
  }

  absoluteNow(line) {
    const newest = this.feed.ring.newestSeconds ?? 0;
    return { x: this.relative.map((x) => newest + x), y: line.view };
  }

  summarise(lines) {
    const span = spanText(lines.map((line) => this.valueOf(line)), this.spec.unit, this.spec.digits);
    const extent = extentOf({ limits: [] }, lines.map((line) => line.y));
    const text = span ? gettext("%(count)s lines, now %(span)s, between %(low)s and %(high)s in the time shown.", { count: lines.length, span, low: withUnit(extent?.[0], this.spec.unit, this.spec.digits), high: withUnit(extent?.[1], this.spec.unit, this.spec.digits) }) : gettext("No values yet.");
    setText(this.part("summary"), text);
  }
}

function seriesOf(line) {
  const series = new Series(Math.max(256, line.x.length * 2));
  for (let i = 0; i < line.x.length; i++) series.push(line.x[i], line.y[i]);
  return series;
}

/** Values that came with the page fill what the socket has not brought yet. */
function prefill(ring, line) {
  if (!line.x.length) return;
  ring.advanceTo(line.x[line.x.length - 1]);
  const row = ring.row(line.id);
  line.x.forEach((x, i) => {
    const at = ring.capacity - 1 - (ring.newest - Math.floor(x / ring.step));
    if (at >= 0 && row[at] !== row[at]) row[at] = line.y[i];
  });
  ring.rewritten += 1;
}

/** The next round length of time: every chart of a run that began together then shows the same axis. */
function roundSpan(seconds) {
  const steps = [30, 60, 120, 180, 300, 600, 900, 1200, 1800, 2700, 3600];
  return steps.find((step) => seconds < step * 0.97) ?? Math.ceil(seconds / 1800 + 0.05) * 1800;
}

function silentColumns(feed) {
  return Math.round((performance.now() - feed.heardAt) / 1000);
}

function lastKnown(values) {
  for (let i = values.length - 1; i >= 0; i--) if (values[i] === values[i]) return values[i];
  return NaN;
}
