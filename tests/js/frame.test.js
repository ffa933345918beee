import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { deflateRawSync, deflateSync } from "node:zlib";
import { decodeFrame } from "../../static/js/lib/frame.js";

function payload(header, values) {
  const json = Buffer.from(JSON.stringify(header));
  const start = Math.ceil((4 + json.length) / 4) * 4;
  const body = Buffer.alloc(start + values.length * 4);
  body.writeUInt32LE(json.length, 0);
  json.copy(body, 4);
  values.forEach((value, i) => body.writeFloatLE(value, start + i * 4));
  return body;
}

function frame(flag, body) {
  const bytes = new Uint8Array(body.length + 1);
  bytes[0] = flag;
  bytes.set(body, 1);
  return bytes.buffer;
}

const header = { topic: "node:1", seq: 7, t: 100, step: 1, columns: 2, layout: "x", series: [{ id: "a" }, { id: "b" }] };

for (const [name, flag, squeeze] of [["plain", 0, (b) => b], ["zlib", 1, deflateSync], ["raw deflate", 2, deflateRawSync]]) {
  test(`a ${name} frame gives header and values, NaN included`, async () => {
    const { header: seen, values } = await decodeFrame(frame(flag, squeeze(payload(header, [1, NaN, 3, 4]))));
    assert.deepEqual(seen, header);
    assert.deepEqual(Array.from(values), [1, NaN, 3, 4]);
  });
}

test("a frame whose lengths disagree is refused", async () => {
  await assert.rejects(decodeFrame(frame(0, payload(header, [1, 2, 3]))), RangeError);
  await assert.rejects(decodeFrame(frame(0, Buffer.from([255, 255, 0, 0, 1]))), RangeError);
  await assert.rejects(decodeFrame(frame(9, payload(header, [1, 2, 3, 4]))), RangeError);
});

for (const name of ["frame.bin", "frame-zlib.bin"]) {
  test(`the server's own ${name} is understood`, async () => {
    const file = readFileSync(new URL(`../fixtures/${name}`, import.meta.url));
    const { header, values } = await decodeFrame(new Uint8Array(file).buffer);
    assert.equal(values.length, header.series.length * header.columns);
    assert.ok(header.topic && header.layout && header.step === 1);
  });
}
