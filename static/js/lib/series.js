/** A growing line for streams (loss per step, curves): sorted x, doubled storage, no duplicates. */
export class Series {
  constructor(size = 256) {
    this.length = 0;
    this.xs = new Float64Array(size);
    this.ys = new Float32Array(size);
  }

  /** Append one point; an x that is not newer than the last replaces it or is ignored. */
  push(x, y) {
    if (this.length && x <= this.xs[this.length - 1]) return this.replace(x, y);
    if (this.length === this.xs.length) this.grow();
    this.xs[this.length] = x;
    this.ys[this.length] = y ?? NaN;
    this.length += 1;
    return true;
  }

  replace(x, y) {
    if (x !== this.xs[this.length - 1]) return false;
    this.ys[this.length - 1] = y ?? NaN;
    return true;
  }

  grow() {
    const xs = new Float64Array(this.length * 2);
    const ys = new Float32Array(this.length * 2);
    xs.set(this.xs);
    ys.set(this.ys);
    [this.xs, this.ys] = [xs, ys];
  }

  /** Views of the filled part, for Plotly and the painter. */
  get x() { return this.xs.subarray(0, this.length); }
  get y() { return this.ys.subarray(0, this.length); }
}
