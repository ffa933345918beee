import assert from "node:assert/strict";
import { test } from "node:test";
import { append, parseLines, search, visible } from "../../static/js/logs/lines.js";

const stamp = "2026-11-24T14:31:41.250Z";

test("a line gives its time, source and text", () => {
  const [line] = parseLines(`${stamp} 3 step 4 loss 1.09\n`);
  assert.equal(line.source, "3");
  assert.equal(line.text, "step 4 loss 1.09");
  assert.equal(line.seconds, Date.parse(stamp) / 1000);
});

test("text of no known form is a line all the same", () => {
  assert.deepEqual(parseLines("hello\nworld\n").map((line) => [line.source, line.text]), [["", "hello"], ["", "world"]]);
});

test("a text that goes on is joined with its own source only", () => {
  const lines = [];
  append(lines, parseLines(`${stamp} 0+ first \n${stamp} 1 other\n${stamp} 0 half\n`));
  assert.deepEqual(lines.map((line) => line.text), ["first half", "other"]);
});

test("a joined text reaches over two windows", () => {
  const lines = [];
  append(lines, parseLines(`${stamp} 0+ a`));
  append(lines, parseLines(`${stamp} 0 b`));
  assert.deepEqual(lines.map((line) => line.text), ["ab"]);
});

test("a progress bar shows its last state", () => {
  assert.equal(parseLines(`${stamp} 0 10 %\r20 %\r30 %\r\n`)[0].text, "30 %");
});

test("escape codes colour the text but are not searched", () => {
  const [line] = parseLines(`${stamp} 0 \x1b[31mERROR\x1b[0m boom \x1b]8;;http://x\x07link`);
  assert.equal(line.plain, "ERROR boom link");
  assert.equal(line.level, "ERROR");
});

test("only the newest lines are kept", () => {
  const lines = [];
  assert.equal(append(lines, parseLines("a\nb\nc\nd\n"), 3), 1);
  assert.deepEqual(lines.map((line) => line.text), ["b", "c", "d"]);
});

test("hidden ranks leave, the launcher stays, and hits count what is shown", () => {
  const lines = parseLines(`${stamp} 0 alpha\n${stamp} 1 alpha\n${stamp} - alpha launcher\n`);
  const shown = visible(lines, new Set(["1"]));
  assert.deepEqual(shown, [0, 2]);
  assert.deepEqual(search(lines, shown, " ALPHA "), [0, 1]);
  assert.deepEqual(search(lines, shown, " "), []);
});
