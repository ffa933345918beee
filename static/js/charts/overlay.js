/**
 * The canvas over a chart's plot area that paints moving lines, and the cursor line above it.
 *
 * Plotly's margins are fixed and known here, so no private field of Plotly is read. Coordinates: x in seconds (or
 * steps), y in the metric's unit; `view` = {x0, x1, y0, y1}.
 */
import { decimate } from "../lib/decimate.js";
import { colours, faint } from "./colours.js";
import { columnsToDraw, fillTail, onStrip, sheetOf, shift, strokeTail } from "./strip.js";

export const MARGIN = { l: 56, r: 14, t: 8, b: 24 };
const DASHES = { solid: [], dash: [5, 3], dot: [1.5, 2.5] };

export class Overlay {
  constructor(host) {
    this.canvas = document.createElement("canvas");
    this.canvas.className = "chart-canvas";
    Object.assign(this.canvas.style, { left: `${MARGIN.l}px`, top: `${MARGIN.t}px` });
    this.cursor = document.createElement("div");
    this.cursor.className = "chart-cursor";
    this.cursor.hidden = true;
    host.append(this.canvas, this.cursor);
    this.context = this.canvas.getContext("2d");
    this.xs = new Float32Array(0);
  }

  /** Fit to a chart of this size in CSS pixels. */
  resize(width, height) {
    const ratio = Math.min(globalThis.devicePixelRatio || 1, 2);
    this.ratio = ratio;
    this.sheet = null;
    this.width = Math.max(1, width - MARGIN.l - MARGIN.r);
    this.height = Math.max(1, height - MARGIN.t - MARGIN.b);
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.canvas.style.width = `${this.width}px`;
    this.canvas.style.height = `${this.height}px`;
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.cursor.style.height = `${this.height}px`;
  }

  clear() {
    this.sheet = null;
    this.context.clearRect(0, 0, this.width, this.height);
  }

  /** Bands first, then fills, then lines, each {x?, y, colour, dash, role}; without x a line fills the view evenly. */
  paint(view, lines, { bands = [], marks = [] } = {}) {
    this.clear();
    this.paintBands(view, bands);
    this.paintMarks(view, marks);
    const context = this.context;
    context.lineJoin = "bevel";
    for (let i = 0; i < lines.length; i++) {
      if (lines[i].role === "high" && lines[i - 1]?.role === "low") this.fillBetween(view, lines[i - 1], lines[i]);
      else if (lines[i].role === "line") this.stroke(view, lines[i]);
    }
  }

  /**
   * One tick of lines that end at second view.x1, one value a second: shift, then draw the newest columns. `key` names
   * everything else the picture depends on (range, theme, lines shown); a new key paints all of it.
   */
  paintTick(view, lines, { bands = [], marks = [] }, key) {
    const count = lines[0]?.y.length ?? 0;
    const before = key === this.key ? this.sheet : null;
    const sheet = sheetOf(view.x1, view.x1 - view.x0, this.width, this.ratio);
    const columns = columnsToDraw(before, sheet, count);
    if (columns < count) shift(this.context, sheet.edge - before.edge);
    const scale = (value) => this.height - ((value - view.y0) * this.height) / (view.y1 - view.y0);
    this.context.lineJoin = "bevel";
    onStrip(this.context, sheet, columns, count, this.ratio, () => {
      this.paintBands(view, bands);
      this.paintMarks(view, marks);
      this.tails(sheet, view, lines, columns, scale);
    });
    Object.assign(this, { sheet, key });
  }

  tails(sheet, view, lines, columns, scale) {
    this.context.setLineDash([]);
    for (let i = 0; i < lines.length; i++) {
      if (lines[i].role === "high" && lines[i - 1]?.role === "low") fillTail(this.context, sheet, this.ratio, lines[i - 1], lines[i], columns, scale);
      else if (lines[i].role === "line") strokeTail(this.context, sheet, this.ratio, view, lines[i], columns, scale);
    }
  }

  stroke(view, line) {
    const { xs, ys } = this.pixels(view, line);
    const context = this.context;
    context.strokeStyle = line.colour;
    context.lineWidth = line.width ?? 1.5;
    context.setLineDash(DASHES[line.dash] ?? []);
    context.beginPath();
    trace(context, xs, ys);
    context.stroke();
    if (line.markers) dots(context, xs, ys, line.colour);
  }

  fillBetween(view, low, high) {
    const under = this.pixels(view, low);
    const [underX, underY] = [under.xs.slice(), under.ys.slice()];
    const { xs, ys } = this.pixels(view, high);
    const context = this.context;
    context.fillStyle = faint(high.colour, 0.25);
    context.beginPath();
    polygon(context, xs, ys, underX, underY);
    context.fill();
  }

  /** Pixel coordinates of a line, thinned to what the width can show. */
  pixels(view, line) {
    const ys = this.scaleY(view, line.y);
    const xs = line.x ? this.scaleX(view, line.x) : this.evenX(line.y.length);
    if (xs.length <= this.width * 2) return { xs, ys };
    const small = decimate(xs, ys, this.width);
    return { xs: small.x, ys: small.y };
  }

  scaleY({ y0, y1 }, values) {
    const out = new Float32Array(values.length);
    const factor = this.height / (y1 - y0);
    for (let i = 0; i < values.length; i++) out[i] = this.height - (values[i] - y0) * factor;
    return out;
  }

  scaleX({ x0, x1 }, values) {
    const out = new Float32Array(values.length);
    const factor = this.width / (x1 - x0 || 1);
    for (let i = 0; i < values.length; i++) out[i] = (values[i] - x0) * factor;
    return out;
  }

  evenX(count) {
    if (this.xs.length !== count || this.xs[count - 1] !== this.width) {
      this.xs = Float32Array.from({ length: count }, (_, i) => (i / (count - 1)) * this.width);
    }
    return this.xs;
  }

  paintBands({ x0, x1 }, bands) {
    this.context.fillStyle = colours().band;
    for (const band of bands) {
      const from = Math.max(0, ((band.from - x0) / (x1 - x0)) * this.width);
      const to = Math.min(this.width, (((band.to ?? x1) - x0) / (x1 - x0)) * this.width);
      if (to > from) this.context.fillRect(from, 0, to - from, this.height);
    }
  }

  paintMarks({ x0, x1 }, marks) {
    const context = this.context;
    context.strokeStyle = context.fillStyle = colours().starting;
    context.lineWidth = 1;
    context.setLineDash([1.5, 2.5]);
    for (const mark of marks) {
      const x = ((mark.x - x0) / (x1 - x0)) * this.width;
      if (x < 0 || x > this.width) continue;
      context.beginPath();
      context.moveTo(x, 8);
      context.lineTo(x, this.height);
      context.stroke();
      diamond(context, x, 5);
    }
  }

  /** Show the cursor at pixel `x` of the plot area, or hide it with null. */
  moveCursor(x) {
    const hidden = x === null || x < 0 || x > this.width;
    if (this.cursor.hidden !== hidden) this.cursor.hidden = hidden;
    if (!hidden) this.cursor.style.transform = `translateX(${MARGIN.l + x}px)`;
  }
}

function trace(context, xs, ys) {
  let pen = false;
  for (let i = 0; i < xs.length; i++) {
    const y = ys[i];
    if (y !== y) pen = false;
    else if (pen) context.lineTo(xs[i], y);
    else {
      context.moveTo(xs[i], y);
      if (ys[i + 1] !== ys[i + 1]) context.lineTo(xs[i] + 0.5, y);
      pen = true;
    }
  }
}

function polygon(context, xs, ys, underX, underY) {
  let pen = false;
  for (let i = 0; i < xs.length; i++) {
    if (ys[i] !== ys[i]) continue;
    if (pen) context.lineTo(xs[i], ys[i]);
    else context.moveTo(xs[i], ys[i]);
    pen = true;
  }
  for (let i = underX.length - 1; i >= 0; i--) if (underY[i] === underY[i]) context.lineTo(underX[i], underY[i]);
}

function dots(context, xs, ys, colour) {
  context.fillStyle = colour;
  for (let i = 0; i < xs.length; i++) {
    if (ys[i] !== ys[i]) continue;
    context.beginPath();
    context.arc(xs[i], ys[i], 2.2, 0, 7);
    context.fill();
  }
}

function diamond(context, x, y) {
  context.beginPath();
  context.moveTo(x, y - 5);
  context.lineTo(x + 5, y);
  context.lineTo(x, y + 5);
  context.lineTo(x - 5, y);
  context.fill();
}
