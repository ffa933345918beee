import assert from "node:assert/strict";
import { test } from "node:test";
import { Ring } from "../../static/js/lib/ring.js";

const last = (ring, id, n) => Array.from(ring.row(id).subarray(ring.capacity - n));

test("columns land at their own second", () => {
  const ring = new Ring(6);
  ring.write(["a", "b"], Float32Array.of(1, 2, 3, 10, 20, 30), 3, 100);
  assert.deepEqual(last(ring, "a", 3), [1, 2, 3]);
  assert.deepEqual(last(ring, "b", 3), [10, 20, 30]);
});

test("an overlapping frame replaces and a gap stays missing", () => {
  const ring = new Ring(6);
  ring.write(["a"], Float32Array.of(1, 2), 2, 100);
  ring.write(["a"], Float32Array.of(9, 3), 2, 101);
  assert.deepEqual(last(ring, "a", 3), [1, 9, 3]);
  ring.write(["a"], Float32Array.of(7), 1, 104);
  assert.deepEqual(last(ring, "a", 4), [3, NaN, NaN, 7]);
});

test("late columns are written in place, older than the ring ignored", () => {
  const ring = new Ring(4);
  ring.advanceTo(100);
  ring.write(["a"], Float32Array.of(5), 1, 98);
  assert.deepEqual(Array.from(ring.row("a")), [NaN, 5, NaN, NaN]);
  ring.write(["a"], Float32Array.of(6), 1, 90);
  assert.equal(ring.row("a").filter((v) => v === 6).length, 0);
});

test("a frame longer than the ring keeps its newest columns", () => {
  const ring = new Ring(3);
  ring.write(["a"], Float32Array.of(1, 2, 3, 4, 5), 5, 50);
  assert.deepEqual(Array.from(ring.row("a")), [3, 4, 5]);
});

test("a row keeps its memory, so views of it stay true", () => {
  const ring = new Ring(4);
  const view = ring.row("a").subarray(2);
  ring.write(["a"], Float32Array.of(1), 1, 10);
  ring.write(["a"], Float32Array.of(2), 1, 11);
  assert.deepEqual(Array.from(view), [1, 2]);
});

test("the latest value is not older than asked", () => {
  const ring = new Ring(10);
  ring.write(["a"], Float32Array.of(4), 1, 10);
  ring.advanceTo(13);
  assert.equal(ring.latest("a", 5), 4);
  ring.advanceTo(20);
  assert.ok(Number.isNaN(ring.latest("a", 5)));
  assert.ok(Number.isNaN(ring.latest("unknown")));
});
