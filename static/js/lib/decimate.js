/**
 * At most four points a pixel column: first, lowest, highest and last keep every spike that could be seen.
 *
 * xs: pixels, ascending; ys: pixels, NaN = gap. Returns {x, y} arrays, the inputs themselves where they are small.
 */
export function decimate(xs, ys, width) {
  if (xs.length <= width * 2) return { x: xs, y: ys };
  const x = [];
  const y = [];
  let start = 0;
  while (start < xs.length) {
    const end = columnEnd(xs, start);
    addColumn(xs, ys, start, end, x, y);
    start = end;
  }
  return { x, y };
}

function columnEnd(xs, start) {
  const column = Math.floor(xs[start]);
  let end = start + 1;
  while (end < xs.length && Math.floor(xs[end]) === column) end += 1;
  return end;
}

function addColumn(xs, ys, start, end, x, y) {
  let low = -1;
  let high = -1;
  for (let i = start; i < end; i++) {
    if (ys[i] !== ys[i]) continue;
    if (low < 0 || ys[i] < ys[low]) low = i;
    if (high < 0 || ys[i] > ys[high]) high = i;
  }
  const kept = low < 0 ? [start] : [...new Set([start, Math.min(low, high), Math.max(low, high), end - 1])];
  for (const i of kept) {
    x.push(xs[i]);
    y.push(ys[i]);
  }
}
