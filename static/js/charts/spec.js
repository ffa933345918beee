/**
 * What a chart needs to know of a Plotly figure. Pure, so that node's test runner covers it.
 *
 * Figure contract (monitoring figures.py writes it): data[i].name; data[i].meta {series, hue 1-8, role low|high};
 * x as unix seconds, ISO text or steps; layout.meta {unit, digits, window_seconds, limits [{value, label, tone}],
 * bands [{from, to, label}], marks [{x, label}], x "time"|"step", zero_based}; layout.yaxis.range where it is fixed.
 */
import { plain, roundTop, withUnit } from "../lib/numbers.js";

const DASHES = { 7: "dash", 8: "dot" };
const TYPES = { f4: Float32Array, f8: Float64Array, i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array };

/** The settings and lines of a figure. */
export function specOf(figure) {
  const layout = figure.layout ?? {};
  const meta = layout.meta ?? {};
  return {
    unit: meta.unit ?? "",
    digits: meta.digits ?? null,
    window: meta.window_seconds ?? 300,
    limits: meta.limits ?? [],
    bands: meta.bands ?? [],
    marks: meta.marks ?? [],
    steps: meta.x === "step",
    zeroBased: meta.zero_based ?? true,
    yRange: layout.yaxis?.range ?? null,
    lines: (figure.data ?? []).map(lineOf),
  };
}

function lineOf(trace, index) {
  const hue = trace.meta?.hue ?? (index % 8) + 1;
  return {
    id: trace.meta?.series ?? trace.name ?? String(index),
    name: trace.name ?? "",
    hue,
    dash: trace.line?.dash ?? DASHES[hue] ?? "solid",
    role: trace.meta?.role ?? "line",
    markers: (trace.mode ?? "").includes("markers"),
    x: Float64Array.from(arrayOf(trace.x), secondsOf),
    y: Float32Array.from(arrayOf(trace.y), (value) => value ?? NaN),
    visible: trace.visible !== "legendonly",
  };
}

/** A plain or typed array of Plotly's JSON ({dtype, bdata} is base64). */
export function arrayOf(value) {
  if (!value) return [];
  if (!value.bdata) return value;
  const bytes = Uint8Array.from(atob(value.bdata), (letter) => letter.charCodeAt(0));
  const Type = TYPES[value.dtype];
  return new Type(bytes.buffer);
}

/** Unix seconds of an x value: seconds, milliseconds or ISO text (UTC where it names no zone). Steps pass through. */
export function secondsOf(x) {
  if (typeof x === "number") return x > 1e11 ? x / 1000 : x;
  if (x instanceof Date) return x.getTime() / 1000;
  const text = String(x).replace(" ", "T");
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`) / 1000;
}

/** Lowest and highest of the drawn values, limits included; null where nothing is there yet. */
export function extentOf(spec, arrays) {
  let low = Infinity;
  let high = -Infinity;
  for (const values of arrays) {
    for (let i = 0; i < values.length; i++) {
      if (values[i] < low) low = values[i];
      if (values[i] > high) high = values[i];
    }
  }
  for (const limit of spec.limits) high = Math.max(high, limit.value * 1.02);
  return low <= high ? [low, high] : null;
}

/**
 * The y range to show. A fixed one stays; a free one starts at 0 and moves in round steps only when the values leave
 * it or use less than 40 %, because every move makes Plotly lay the axis out again (4 ms).
 */
export function rangeFor(spec, extent, present) {
  if (spec.yRange) return spec.yRange;
  if (!extent) return present ?? [0, 1];
  const [low, high] = extent;
  if (!spec.zeroBased) return looseRange(low, high, present);
  if (present && low >= present[0] && high <= present[1] && high > present[1] * 0.4) return present;
  return [low < 0 ? -roundTop(-low) : 0, roundTop(Math.max(high, 1e-9))];
}

function looseRange(low, high, present) {
  const span = Math.max(high - low, Math.abs(high) * 1e-3, 1e-9);
  if (present && low >= present[0] && high <= present[1] && span > (present[1] - present[0]) * 0.4) return present;
  const step = roundStep(span);
  return [Math.floor(low / step) * step, Math.ceil(high / step) * step];
}

/** A round step (1, 2, 5 x 10^n) that goes two to four times into a span. */
function roundStep(span) {
  const half = (span / 2) * (1 + 1e-9);
  const power = 10 ** Math.floor(Math.log10(half));
  return power * (half >= 5 * power ? 5 : half >= 2 * power ? 2 : 1);
}

/** Tick values and texts for a fixed y range: three where it halves well, else four. */
export function yTicks([low, high], unit, digits) {
  const values = low === 0 ? partsOf(high) : stepsOf(low, high);
  return { tickvals: values, ticktext: values.map((value) => tickText(value, unit, digits)) };
}

function partsOf(high) {
  const parts = isThirdFriendly(high) ? 3 : 2;
  return Array.from({ length: parts + 1 }, (_, i) => (high * i) / parts);
}

function stepsOf(low, high) {
  const step = roundStep(high - low);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

function isThirdFriendly(high) {
  return Number.isInteger(Math.round((high / 10 ** Math.floor(Math.log10(high))) * 1e6) / 3e6);
}

function tickText(value, unit, digits) {
  const text = unit === "" ? plain(Number(value.toPrecision(3)), digits) : withUnit(value, unit);
  return text.replace(/(\.\d*?)0+(?= |$)/, "$1").replace(/\.(?= |$)/, "");
}

/** Ticks of a relative axis in round steps: at most six, fewer where a label would have less than 56 pixels. */
export function relativeTicks(window, width = 600) {
  const most = Math.min(6, Math.max(1, Math.floor(width / 56)));
  const step = [10, 30, 60, 120, 180, 300, 600, 900].find((size) => window / size <= most) ?? window;
  const values = [];
  for (let x = 0; x >= -window; x -= step) values.unshift(x);
  return values;
}

/** "74 – 94 %" of the newest values, "83 %" where all agree, null where nothing is there. */
export function spanText(values, unit, digits) {
  const known = values.filter((value) => value === value && value !== null);
  if (!known.length) return null;
  const low = withUnit(Math.min(...known), unit, digits);
  const high = withUnit(Math.max(...known), unit, digits);
  if (low === high) return high;
  const [lowNumber, lowUnit] = split(low);
  const [, highUnit] = split(high);
  return `${lowUnit === highUnit ? lowNumber : low} – ${high}`;
}

function split(text) {
  const at = text.indexOf(" ");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** Index of the value of an ascending array nearest to `wanted`; -1 when empty. */
export function nearest(xs, wanted) {
  if (!xs.length) return -1;
  let low = 0;
  let high = xs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] < wanted) low = middle;
    else high = middle;
  }
  return wanted - xs[low] <= xs[high] - wanted ? low : high;
}
