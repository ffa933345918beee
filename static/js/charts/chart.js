/**
 * One chart: Plotly draws axes, zoom and pictures; while values move, the overlay paints the lines.
 *
 * Modes: "live" (the last seconds of a topic, relative axis), "run" (a growing line from start to now), "still"
 * (paused, history, ended: Plotly draws the lines too). In every mode Plotly's data hold the very points shown.
 */
import { jsonOf } from "../lib/dom.js";
import { current, onChange } from "../lib/livestate.js";
import { onThemeChange } from "../lib/theme.js";
import { onTick, schedule } from "../live.js";
import { join, leave, showCursor } from "./group.js";
import { History } from "./history.js";
import { liveLayout, stillLayout, tracesOf } from "./layout.js";
import { MARGIN, Overlay } from "./overlay.js";
import { config, plotly } from "./plotly.js";
import { Points } from "./points.js";
import { hideReadout, showReadout } from "./readout.js";
import { extentOf, rangeFor, specOf } from "./spec.js";
import { Words } from "./words.js";
import { Zoom } from "./zoom.js";

export class Chart {
  constructor(element) {
    this.element = element;
    this.group = element.dataset.group;
    this.title = element.querySelector(".chart-title")?.textContent ?? "";
    this.host = element.querySelector("[data-chart-plot]");
    this.plot = this.host.appendChild(Object.assign(document.createElement("div"), { className: "chart-plotly" }));
    this.overlay = new Overlay(this.host);
    this.words = new Words(this);
    this.zoom = new Zoom(this);
    this.history = new History(this);
    this.drawing = Promise.resolve();
    this.cursorX = null;
    this.paint = this.paint.bind(this);
    this.take(jsonOf(element.dataset.figure) ?? {}, element.dataset.topic || null);
    join(this.group, this);
    this.observe();
  }

  get mode() {
    return this.points.mode;
  }

  /** Read a figure: settings, lines, legend. */
  take(figure, topic) {
    this.figure = figure;
    this.spec = specOf(figure);
    this.points = new Points(this.spec, figure.layout?.meta, topic);
    Object.assign(this, { range: null, held: null, cursorX: null });
    this.words.name();
    if (this.started) this.connect();
  }

  connect() {
    this.untick?.();
    this.untick = this.points.connect() ? onTick(this.points.topic, this.paint) : null;
  }

  observe() {
    this.watcher = new IntersectionObserver(([entry]) => this.seen(entry.isIntersecting), { rootMargin: "120px" });
    this.watcher.observe(this.host);
    new ResizeObserver(() => this.resized()).observe(this.host);
    this.host.addEventListener("pointermove", (event) => this.pointed(event));
    this.host.addEventListener("pointerleave", () => this.left());
    this.forget = [onThemeChange(() => this.redraw()), onChange((state, before) => this.stateChanged(state, before))];
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
    this.connect();
    if (current().range !== "live") this.history.load(current().range);
    else if (!current().live) this.points.freeze();
    this.paint();
    this.redraw();
  }

  /** One tick: paint the moving lines and figures. Called inside the page's rAF loop. */
  paint() {
    if (!this.element.isConnected) return this.dispose();
    if (!this.visible || !this.started) return undefined;
    this.words.refresh();
    if (this.mode !== "still" && this.held === null) this.paintMoving();
    return undefined;
  }

  paintMoving() {
    const shown = this.points.lines().filter((line) => line.visible);
    this.adjustRange(shown);
    this.span = this.points.view();
    const view = { ...this.span, y0: this.range[0], y1: this.range[1] };
    if (this.mode === "live") return this.overlay.paintTick(view, shown, this.spec, this.pictureKey(shown));
    this.adjustSpan();
    return this.overlay.paint(view, shown, this.spec);
  }

  /** Everything the moving picture depends on besides the newest columns. */
  pictureKey(shown) {
    return [...this.range, this.points.feed.ring.rewritten, ...shown.map((line) => line.id + line.colour)].join(" ");
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
    this.spec.lines.forEach((line, i) => Object.assign(this.plot.data[i], { x: this.points.plotlyX(line.series), y: line.series.y }));
  }

  /** Draw everything through Plotly: first time, new theme, new size, paused, new figure. One drawing at a time. */
  redraw() {
    this.late = !this.visible;
    if (!this.started || this.late || this.queued) return this.drawing;
    this.queued = true;
    this.drawing = this.drawing.then(() => this.draw()).catch((error) => console.error("chart:", error));
    return this.drawing;
  }

  async draw() {
    const Plotly = await plotly();
    this.queued = false;
    if (!this.element.isConnected) return this.dispose();
    this.fit();
    const lines = this.points.lines();
    const layout = this.layoutOf(lines);
    this.element.classList.toggle("chart-moving", this.mode !== "still");
    await Plotly.react(this.plot, tracesOf(lines, (line) => this.points.plotlyX(line)), layout, config(() => this.save()));
    this.zoom.listen();
    if (this.mode === "still") this.overlay.clear();
    this.paint();
    return this.words.summarise(lines);
  }

  layoutOf(lines) {
    const extent = extentOf(this.spec, lines.filter((line) => line.visible).map((line) => line.y));
    this.range = rangeFor(this.spec, extent, this.mode === "still" ? null : this.range);
    this.span = this.drawnSpan = this.points.view(this.held);
    if (this.mode === "live") return liveLayout(this.spec, this.range, this.size);
    return stillLayout(this.spec, this.range, this.size, this.span);
  }

  /** Save the picture as shown: settled first, so that the file holds the points on the screen. */
  async save() {
    const wasMoving = this.mode !== "still";
    if (wasMoving) await this.freeze();
    await globalThis.Plotly.downloadImage(this.plot, { format: "png", scale: 2, filename: this.title || "chart" });
    if (wasMoving) this.thaw();
  }

  stateChanged({ live, range }, before) {
    if (!this.started) return;
    if (range !== before.range && range !== "live") this.history.load(range);
    else if (live && this.mode === "still") this.thaw();
    else if (!live && this.mode !== "still") this.freeze();
  }

  freeze() {
    this.points.freeze(this.held);
    return this.redraw();
  }

  thaw() {
    const figure = this.history.leave();
    if (figure) this.take(figure, this.element.dataset.topic || null);
    else this.points.thaw();
    Object.assign(this, { held: null, range: null });
    return this.redraw();
  }

  /** Add points to a growing line (mode run): xs in seconds or steps, ys in the unit. Unknown ids are ignored. */
  append(id, xs, ys) {
    if (this.points.append(id, xs, ys)) schedule(this.paint);
  }

  /** Replace the whole figure, e.g. when time becomes step. */
  show(figure) {
    this.take(figure, this.element.dataset.topic || null);
    return this.redraw();
  }

  /** End of a run: Plotly draws from now on. */
  settle() {
    this.points.base = this.points.mode = "still";
    return this.redraw();
  }

  /** Show a span of time (or steps) that another chart of the group was zoomed to. */
  zoomTo(span) {
    return this.zoom.to(span);
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

  /** The pointer holds the picture of a live group, moves its cursor and opens the read-out. */
  pointed(event) {
    if (!this.span) return;
    const { x0, x1 } = this.zoom.shown();
    const inside = event.clientX - this.host.getBoundingClientRect().left - MARGIN.l;
    const x = x0 + (Math.min(Math.max(inside, 0), this.overlay.width) / this.overlay.width) * (x1 - x0);
    showCursor(this.group, x);
    if (event.pointerType !== "touch") showReadout(this, x, { x: event.clientX, y: event.clientY });
  }

  left() {
    showCursor(this.group, null);
    hideReadout();
  }

  showCursor(x) {
    if (!this.started || !this.span) return;
    if (x === null) this.held = null;
    else if (this.mode === "live") this.held ??= this.span.x1;
    this.cursorX = x;
    const { x0, x1 } = this.zoom.shown();
    this.overlay.moveCursor(x === null ? null : ((x - x0) / (x1 - x0)) * this.overlay.width);
    if (x === null) this.paint();
    else this.words.refresh();
  }

  /** The value of a line under the cursor, or the newest. */
  valueOf(line) {
    return this.points.valueOf(line, this.cursorX);
  }

  /** Let go of everything once the element has left the page. */
  dispose() {
    this.untick?.();
    this.history.stop();
    this.watcher.disconnect();
    for (const forget of this.forget) forget?.();
    leave(this.group, this);
    if (globalThis.Plotly && this.plot.data) globalThis.Plotly.purge(this.plot);
    this.started = false;
  }
}
