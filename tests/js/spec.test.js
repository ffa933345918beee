import assert from "node:assert/strict";
import { test } from "node:test";
import { arrayOf, extentOf, nearest, rangeFor, relativeTicks, secondsOf, spanText, specOf, yTicks } from "../../static/js/charts/spec.js";
import { find, place, step } from "../../static/js/heatmap/geometry.js";
import { stepOf } from "../../static/js/heatmap/viridis.js";

test("a figure gives lines with series, hue and dash in order", () => {
  const spec = specOf({ data: [{ name: "GPU 0", meta: { series: "a/x" } }, {}, {}, {}, {}, {}, { name: "GPU 6" }], layout: { meta: { unit: "ratio", window_seconds: 60 } } });
  assert.deepEqual([spec.unit, spec.window, spec.lines[0].id, spec.lines[0].hue, spec.lines[6].dash], ["ratio", 60, "a/x", 1, "dash"]);
});

test("plotly's packed arrays are read", () => {
  const bdata = Buffer.from(new Float64Array([1, 2.5]).buffer).toString("base64");
  assert.deepEqual(Array.from(arrayOf({ dtype: "f8", bdata })), [1, 2.5]);
  assert.deepEqual(arrayOf(undefined), []);
});

test("x is unix seconds whatever it came as; text without a zone is UTC", () => {
  assert.deepEqual(["2026-11-24T10:00:00Z", "2026-11-24 10:00:00", "2026-11-24T11:00:00+01:00", 1795514400000, 1795514400].map(secondsOf), Array(5).fill(1795514400));
});

test("a fixed range stays and a free one moves only when it must", () => {
  const free = { yRange: null, limits: [], zeroBased: true };
  assert.deepEqual(rangeFor({ ...free, yRange: [0, 1] }, [5, 9], null), [0, 1]);
  assert.deepEqual(rangeFor(free, [3, 47], null), [0, 50]);
  assert.deepEqual(rangeFor(free, [3, 30], [0, 50]), [0, 50]);
  assert.deepEqual(rangeFor(free, [3, 12], [0, 50]), [0, 20]);
  assert.deepEqual(rangeFor(free, [3, 51], [0, 50]), [0, 100]);
  assert.deepEqual(rangeFor(free, null, [0, 50]), [0, 50]);
});

test("a range that need not begin at 0 is round at both ends and so are its ticks", () => {
  const loose = { yRange: null, limits: [], zeroBased: false };
  assert.deepEqual(rangeFor(loose, [46, 66], null), [40, 70]);
  assert.deepEqual(rangeFor(loose, [50, 66], [40, 70]), [40, 70]);
  assert.deepEqual(yTicks([40, 70], "celsius").ticktext, ["40 °C", "50 °C", "60 °C", "70 °C"]);
  assert.deepEqual(yTicks([0.9, 1], "ratio").tickvals.length, 3);
});

test("limits belong to the extent", () => {
  assert.deepEqual(extentOf({ limits: [{ value: 700 }] }, [Float32Array.of(NaN, 500)]), [500, 714]);
  assert.equal(extentOf({ limits: [] }, [Float32Array.of(NaN)]), null);
});

test("ticks are few and end at the top", () => {
  assert.deepEqual(yTicks([0, 1], "ratio").ticktext, ["0 %", "50 %", "100 %"]);
  assert.deepEqual(relativeTicks(300), [-300, -240, -180, -120, -60, 0]);
  assert.deepEqual(relativeTicks(120, 140), [-120, -60, 0]);
});

test("a span of values shares its unit", () => {
  assert.equal(spanText([0.74, 0.94, NaN], "ratio"), "74 – 94 %");
  assert.equal(spanText([62, 62], "celsius"), "62 °C");
  assert.equal(spanText([900, 1100], "watts"), "900 W – 1.10 kW");
  assert.equal(spanText([NaN], "watts"), null);
});

test("the nearest point is found on both sides", () => {
  assert.deepEqual([0, 14, 16, 99].map((x) => nearest([10, 20, 30], x)), [0, 0, 1, 2]);
  assert.equal(nearest([], 1), -1);
});

const fleet = (racks, nodes = 4, gpus = 8) => ({ racks: Array.from({ length: racks }, () => ({ nodes: Array.from({ length: nodes }, () => ({ cells: Array.from({ length: gpus }, () => ({})) })) })) });

test("the map takes the largest cell that fits and every cell lies inside", () => {
  for (const [racks, width] of [[32, 780], [1, 300], [8, 340], [400, 780]]) {
    const plan = place(fleet(racks), width);
    assert.ok(plan.cell >= 6 && plan.cell <= 28);
    for (const rack of plan.racks) {
      assert.ok(rack.x + rack.width <= width + 1, `rack at ${rack.x} of ${width}`);
      assert.ok(rack.nodes.at(-1).y + plan.cell <= plan.height);
    }
  }
  assert.ok(place(fleet(1), 300).cell > place(fleet(32), 780).cell);
});

test("a point names its cell and arrows walk nodes and racks", () => {
  const plan = place(fleet(32), 780);
  const target = plan.racks[9].nodes[2];
  assert.deepEqual(find(plan, target.cells[5].x + 1, target.y + 1), { rack: 9, node: 2, cell: 5 });
  assert.equal(find(plan, -5, 3), null);
  assert.deepEqual(step(plan, { rack: 0, node: 3 }, "ArrowDown"), { rack: plan.columns, node: 0 });
  assert.deepEqual(step(plan, { rack: 0, node: 0 }, "ArrowLeft"), { rack: 0, node: 0 });
  assert.deepEqual(step(plan, { rack: plan.columns, node: 0 }, "ArrowUp"), { rack: 0, node: 3 });
});

test("an empty fleet draws nothing and breaks nothing", () => {
  assert.deepEqual(place({ racks: [] }, 500).racks, []);
});

test("the scale is clamped", () => {
  assert.deepEqual([-1, 0, 0.5, 1, 9].map((value) => stepOf(value, 0, 1)), [0, 0, 128, 255, 255]);
});
