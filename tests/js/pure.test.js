import assert from "node:assert/strict";
import { test } from "node:test";
import { reconnectDelay } from "../../static/js/lib/backoff.js";
import { decimate } from "../../static/js/lib/decimate.js";
import { duration, roundTop, withUnit } from "../../static/js/lib/numbers.js";
import { Series } from "../../static/js/lib/series.js";
import { relativeLabel } from "../../static/js/lib/time.js";

test("figures carry their unit and missing is a dash", () => {
  assert.equal(withUnit(0.463, "ratio"), "46 %");
  assert.equal(withUnit(10740, "watts"), "10.7 kW");
  assert.equal(withUnit(640e9, "bytes"), "640 GB");
  assert.equal(withUnit(62, "celsius"), "62 °C");
  assert.equal(withUnit(1.0871, "", 3), "1.087");
  assert.equal(withUnit(0, "watts"), "0 W");
  for (const missing of [null, undefined, NaN]) assert.equal(withUnit(missing, "ratio"), "–");
});

test("durations read like the server's", () => {
  assert.deepEqual([0.84, 41 * 60 + 6, 7440, 93600, 59].map(duration), ["0.8 s", "41 min 06 s", "2 h 04 min", "1 d 02 h", "59 s"]);
});

test("a round top holds the maximum with room", () => {
  assert.deepEqual([0, 0.9, 1, 47, 230, 990, 1001].map(roundTop), [1, 1, 2, 50, 250, 1000, 2000]);
});

test("a decimated line keeps the highest and the lowest of every pixel column", () => {
  const n = 5000;
  const xs = Float32Array.from({ length: n }, (_, i) => (i / n) * 100);
  const ys = Float32Array.from({ length: n }, (_, i) => Math.sin(i / 7) * 10);
  ys[2501] = 99;
  ys[4000] = -99;
  const small = decimate(xs, ys, 100);
  assert.ok(small.x.length <= 400);
  assert.equal(Math.max(...small.y), 99);
  assert.equal(Math.min(...small.y), -99);
  assert.ok(small.x.every((x, i) => i === 0 || x >= small.x[i - 1]));
});

test("a short line is left as it is, and gaps survive", () => {
  const xs = Float32Array.of(1, 2, 3);
  assert.equal(decimate(xs, xs, 100).x, xs);
  const many = Float32Array.from({ length: 300 }, (_, i) => i / 100);
  const gap = many.map((x) => (x >= 1 && x < 2 ? NaN : x));
  assert.ok(Array.from(decimate(many, gap, 3).y).some(Number.isNaN));
});

test("reconnects wait 1 s doubling to 30 s under full jitter", () => {
  assert.deepEqual([0, 1, 3, 9].map((n) => reconnectDelay(n, () => 1)), [1, 2, 8, 30]);
  assert.ok(reconnectDelay(9, () => 0) < 0.2);
});

test("a growing line keeps order, replaces its last point and never loses one when it grows", () => {
  const line = new Series(2);
  for (let i = 0; i < 9; i++) line.push(i, i * 2);
  assert.equal(line.push(8, 5), true);
  assert.equal(line.push(3, 1), false);
  assert.equal(line.push(9, null), true);
  assert.deepEqual(Array.from(line.y), [0, 2, 4, 6, 8, 10, 12, 14, 5, NaN]);
});

test("relative labels say now and minutes", () => {
  assert.deepEqual([0, -300, -30].map(relativeLabel), ["now", "−5 min", "−30 s"]);
});
