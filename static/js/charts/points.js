/**
 * The points a chart shows now, by mode: "live" views of a topic's ring, "run" growing lines, "still" lines of a figure
 * or frozen copies of a moment. x in seconds or steps, y in the metric's unit.
 */
import { Series } from "../lib/series.js";
import { watch } from "../live.js";
import { colours } from "./colours.js";
import { wallMilliseconds } from "./layout.js";
import { nearest } from "./spec.js";

export class Points {
  /** `base` is the mode to come back to; `topic` belongs to live ones. */
  constructor(spec, layoutMeta, topic) {
    this.spec = spec;
    this.span = layoutMeta ?? {};
    this.topic = topic;
    this.base = layoutMeta?.mode === "run" ? "run" : topic ? "live" : "still";
    this.mode = this.base;
    this.frozen = null;
    for (const line of spec.lines) line.series = seriesOf(line);
  }

  /** Watch the topic; values that came with the figure fill what the socket has not brought yet. */
  connect() {
    if (this.base !== "live") return null;
    this.feed = watch(this.topic);
    const { ring } = this.feed;
    const count = Math.min(this.spec.window + 1, ring.capacity);
    this.relative = Float64Array.from({ length: count }, (_, i) => i - count + 1);
    for (const line of this.spec.lines) {
      prefill(ring, line);
      line.view = ring.row(line.id).subarray(ring.capacity - count);
    }
    return this.feed;
  }

  of(line) {
    if (this.mode === "live") return { y: line.view, x: undefined };
    if (this.frozen) return this.frozen.get(line.id);
    return { x: line.series.x, y: line.series.y };
  }

  /** All lines with colour and points. */
  lines() {
    const { series } = colours();
    return this.spec.lines.map((line) => ({ ...line, colour: series[line.hue], ...this.of(line) }));
  }

  /** Points with absolute x in every mode, for tables. */
  absolute(line) {
    if (this.mode !== "live") return this.of(line);
    return { x: this.relative.map((x) => this.newest() + x), y: line.view };
  }

  /** What Plotly gets as x: seconds before now, steps, or wall-clock milliseconds. */
  plotlyX(points) {
    if (!points.x) return this.relative;
    return this.spec.steps ? points.x : Float64Array.from(points.x, wallMilliseconds);
  }

  newest() {
    return this.feed?.ring.newestSeconds ?? Date.now() / 1000;
  }

  /** The span of x shown; `held` is the end of a picture held under the pointer. */
  view(held = null) {
    if (this.mode !== "live" && !this.frozen) return this.growingView();
    const x1 = held ?? this.frozenAt ?? this.newest();
    return { x0: x1 - this.spec.window, x1 };
  }

  /** From the first point to a little past the last, moving rarely; or the span the figure names. */
  growingView() {
    const { from, to } = this.span;
    if (from) return { x0: from, x1: to ?? from + roundSpan(Date.now() / 1000 - from) };
    const known = this.spec.lines.filter((line) => line.series.length);
    if (!known.length) return { x0: Date.now() / 1000 - 60, x1: Date.now() / 1000 };
    const first = Math.min(...known.map((line) => line.series.xs[0]));
    const last = Math.max(...known.map((line) => line.series.xs[line.series.length - 1]));
    if (this.mode !== "run") return { x0: first, x1: Math.max(last, first + 1) };
    if (!this.until || last > this.until) this.until = last + Math.max(10, (last - first) * 0.1);
    return { x0: first, x1: this.until };
  }

  /** Keep copies of this moment (or of the held one); collection goes on in the ring. */
  freeze(held = null) {
    if (this.mode === "live") {
      this.frozenAt = held ?? this.newest();
      this.frozen = new Map(this.spec.lines.map((line) => [line.id, this.copyOf(line)]));
    }
    this.mode = "still";
  }

  copyOf(line) {
    const { ring } = this.feed;
    const end = ring.capacity - Math.round(this.newest() - this.frozenAt);
    const y = ring.row(line.id).slice(Math.max(0, end - this.relative.length), end);
    return { x: this.relative.map((x) => this.frozenAt + x), y };
  }

  thaw() {
    Object.assign(this, { frozen: null, frozenAt: null, mode: this.base });
  }

  /** The value of a line at x, or its newest one. */
  valueOf(line, x = null) {
    if (this.mode !== "live") {
      const { x: xs, y } = this.of(line);
      return x === null ? lastKnown(y) : y[nearest(xs, x)];
    }
    const { ring } = this.feed;
    return x === null ? ring.latest(line.id) : ring.row(line.id)[ring.capacity - 1 - Math.round(this.newest() - x)];
  }

  /** Add points to a growing line; false when the id is unknown. */
  append(id, xs, ys) {
    const line = this.spec.lines.find((known) => known.id === id);
    if (!line) return false;
    for (let i = 0; i < xs.length; i++) line.series.push(xs[i], ys[i]);
    return true;
  }
}

function seriesOf(line) {
  const series = new Series(Math.max(256, line.x.length * 2));
  for (let i = 0; i < line.x.length; i++) series.push(line.x[i], line.y[i]);
  return series;
}

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

function lastKnown(values) {
  for (let i = values.length - 1; i >= 0; i--) if (values[i] === values[i]) return values[i];
  return NaN;
}
