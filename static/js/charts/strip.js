/**
 * Moving lines, painted by moving the picture: each tick shifts the canvas by whole pixels and draws only the newest
 * columns. Stroking 64 lines of 300 points in software costs 60 ms, the shift with 7 columns 2 (measured).
 *
 * Points lie at second x pixels-a-second on an endless sheet; the window's left edge is rounded to a whole device
 * pixel, so old and new pieces meet exactly. Dashes follow the sheet, not the path, for the same reason.
 */
import { faint } from "./colours.js";

const REDRAWN = 6; // columns: a frame carries the last 5, and one to join them to

/** Where the sheet lies under the window: device pixels a second, and the rounded left edge. */
export function sheetOf(newest, window, width, ratio) {
  const pace = (width * ratio) / window;
  return { newest, pace, edge: Math.round((newest - window) * pace) };
}

/** Columns to draw after moving from `before` to `now`: all of them when too much changed. */
export function columnsToDraw(before, now, count) {
  if (!before || before.pace !== now.pace || now.newest < before.newest) return count;
  const moved = now.newest - before.newest;
  return moved > 30 ? count : Math.min(count, moved + REDRAWN);
}

/** Move the picture left by whole device pixels; what comes free is empty. */
export function shift(context, pixels) {
  if (!pixels) return;
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalCompositeOperation = "copy";
  context.drawImage(context.canvas, -pixels, 0);
  context.restore();
}

/** Run `draw` on the emptied right part of the canvas that holds the last `columns` columns. */
export function onStrip(context, sheet, columns, count, ratio, draw) {
  const { width, height } = context.canvas;
  const left = columns >= count ? 0 : Math.max(0, Math.floor((sheet.newest - columns + 1) * sheet.pace - sheet.edge));
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.beginPath();
  context.rect(left, 0, width - left, height);
  context.clip();
  context.clearRect(left, 0, width - left, height);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  draw();
  context.restore();
}

/** Pixel (CSS) of a second on the shifted sheet. */
export function xOf(sheet, seconds, ratio) {
  return (seconds * sheet.pace - sheet.edge) / ratio;
}

/** Stroke the last `columns` + 1 points of a row whose last value belongs to sheet.newest. */
export function strokeTail(context, sheet, ratio, view, line, columns, scale) {
  const { y } = line;
  const first = Math.max(0, y.length - columns - 2);
  const drawn = DASHES[line.dash] ?? null;
  context.strokeStyle = line.colour;
  context.lineWidth = line.width ?? 1.5;
  context.beginPath();
  let pen = false;
  for (let i = first; i < y.length; i++) {
    const second = sheet.newest - (y.length - 1 - i);
    if (y[i] !== y[i]) pen = false;
    else {
      const x = xOf(sheet, second, ratio);
      if (pen && (!drawn || drawn(second * sheet.pace))) context.lineTo(x, scale(y[i]));
      else context.moveTo(x, scale(y[i]));
      if (!pen && y[i + 1] !== y[i + 1]) context.lineTo(x + 0.7, scale(y[i]));
      pen = true;
    }
  }
  context.stroke();
}

const DASHES = {
  dash: (pixel) => modulo(pixel, 10) < 6,
  dot: (pixel) => modulo(pixel, 5) < 2.5,
};

function modulo(value, by) {
  return ((value % by) + by) % by;
}

/** Fill between the tails of two rows. */
export function fillTail(context, sheet, ratio, low, high, columns, scale) {
  const first = Math.max(0, high.y.length - columns - 2);
  context.fillStyle = faint(high.colour, 0.25);
  for (let i = first + 1; i < high.y.length; i++) {
    const values = [low.y[i - 1], low.y[i], high.y[i - 1], high.y[i]];
    if (values.some((value) => value !== value)) continue;
    const from = xOf(sheet, sheet.newest - (high.y.length - i), ratio);
    const to = xOf(sheet, sheet.newest - (high.y.length - 1 - i), ratio);
    context.beginPath();
    context.moveTo(from, scale(values[0]));
    context.lineTo(to, scale(values[1]));
    context.lineTo(to, scale(values[3]));
    context.lineTo(from, scale(values[2]));
    context.fill();
  }
}
