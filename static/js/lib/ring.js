/**
 * The last `capacity` columns of one topic, one row a series, newest last.
 *
 * A row is one Float32Array that slides (copyWithin of 300 floats costs 0.05 us) instead of wrapping, so that a
 * chart and Plotly's gd.data can hold a view of the very same memory and never copy. Missing is NaN.
 */
const USUAL_COLUMNS = 5;

export class Ring {
  constructor(capacity, step = 1) {
    this.capacity = capacity;
    this.step = step;
    this.newest = null; // column number: floor(unix seconds / step)
    this.rows = new Map();
    this.rewritten = 0; // grows when columns older than a usual frame's were written
  }

  /** The row of a series, made empty when new. The array stays the same one for the ring's life. */
  row(id) {
    let row = this.rows.get(id);
    if (!row) {
      row = new Float32Array(this.capacity).fill(NaN);
      this.rows.set(id, row);
    }
    return row;
  }

  /** Unix seconds of the newest column, or null while empty. */
  get newestSeconds() {
    return this.newest === null ? null : this.newest * this.step;
  }

  /** Slide so that `seconds` is the newest column; columns in between become missing. */
  advanceTo(seconds) {
    const column = Math.floor(seconds / this.step);
    const moved = this.newest === null ? 0 : column - this.newest;
    if (this.newest === null) this.newest = column;
    if (moved <= 0) return;
    this.newest = column;
    for (const row of this.rows.values()) slide(row, moved);
  }

  /** Write `columns` values of each series, the last of them at `seconds`; older than the ring is ignored. */
  write(ids, values, columns, seconds) {
    this.advanceTo(seconds);
    const end = this.capacity - (this.newest - Math.floor(seconds / this.step));
    const skip = Math.max(0, columns - end);
    if (end <= 0) return;
    if (columns > USUAL_COLUMNS || end < this.capacity) this.rewritten += 1;
    for (let i = 0; i < ids.length; i++) {
      this.row(ids[i]).set(values.subarray(i * columns + skip, (i + 1) * columns), end - columns + skip);
    }
  }

  /** The newest value of a series that is not older than `columns`, or NaN. */
  latest(id, columns = 5) {
    const row = this.rows.get(id);
    if (!row) return NaN;
    for (let i = this.capacity - 1; i >= this.capacity - columns; i--) if (row[i] === row[i]) return row[i];
    return NaN;
  }
}

function slide(row, by) {
  if (by >= row.length) return row.fill(NaN);
  row.copyWithin(0, by);
  return row.fill(NaN, row.length - by);
}
