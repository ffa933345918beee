/** Paints cells on a canvas. A cell is painted again only when its look changed: 1,000 cells a second are then cheap. */
import { colours } from "../charts/colours.js";
import { isDark } from "../lib/theme.js";
import { colourOf, stepOf } from "./viridis.js";

const DARK_EDGE_BELOW = 31; // steps, 12 %

/** The look of a cell: a step of the scale, or a word for what is no value. */
export function lookOf(state, value, metric) {
  if (state === "lost" || state === "missing") return "lost";
  if (state === "stale" || state === "silent") return "stale";
  if (state === "drained") return "drained";
  if (state === "free" && metric.idle !== "value") return "free";
  if (value !== value || value === null || value === undefined) return "stale";
  return stepOf(value, metric.low, metric.high);
}

export function paintCell(context, x, y, size, look) {
  context.clearRect(x - 1, y - 1, size + 2, size + 2);
  if (typeof look === "number") paintValue(context, x, y, size, look);
  else PAINTERS[look](context, x, y, size, colours());
}

function paintValue(context, x, y, size, step) {
  context.fillStyle = colourOf(step);
  rounded(context, x, y, size);
  context.fill();
  if (step >= DARK_EDGE_BELOW || !isDark()) return;
  context.strokeStyle = colours().lowEdge;
  edge(context, x, y, size);
}

const PAINTERS = {
  free(context, x, y, size, c) {
    context.strokeStyle = c.control;
    edge(context, x, y, size);
  },
  drained(context, x, y, size, c) {
    hatch(context, x, y, size, c.hatch);
    context.strokeStyle = c.control;
    edge(context, x, y, size);
  },
  stale(context, x, y, size, c) {
    hatch(context, x, y, size, c.hatch);
    context.setLineDash([2, 2]);
    context.strokeStyle = c.control;
    edge(context, x, y, size);
    context.setLineDash([]);
  },
  lost(context, x, y, size, c) {
    context.fillStyle = c.criticalTint;
    rounded(context, x, y, size);
    context.fill();
    context.strokeStyle = c.critical;
    edge(context, x, y, size);
    const inner = Math.max(2, size * 0.3);
    context.beginPath();
    context.moveTo(x + inner, y + inner);
    context.lineTo(x + size - inner, y + size - inner);
    context.moveTo(x + size - inner, y + inner);
    context.lineTo(x + inner, y + size - inner);
    context.stroke();
  },
};

function rounded(context, x, y, size) {
  context.beginPath();
  context.roundRect(x, y, size, size, Math.min(2, size / 4));
}

function edge(context, x, y, size) {
  context.lineWidth = 1;
  context.beginPath();
  context.roundRect(x + 0.5, y + 0.5, size - 1, size - 1, Math.min(2, size / 4));
  context.stroke();
}

function hatch(context, x, y, size, colour) {
  context.save();
  rounded(context, x, y, size);
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  for (let at = -size; at < size; at += 3.5) {
    context.moveTo(x + at, y + size);
    context.lineTo(x + at + size, y);
  }
  context.stroke();
  context.restore();
}

/** The colour scale of the legend. */
export function paintScale(canvas) {
  const context = canvas.getContext("2d");
  for (let x = 0; x < canvas.width; x++) {
    context.fillStyle = colourOf(Math.round((x / (canvas.width - 1)) * 255));
    context.fillRect(x, 0, 1, canvas.height);
  }
}
