import assert from "node:assert/strict";
import { test } from "node:test";
import { Socket, socketUrl } from "../../static/js/lib/socket.js";

/** A socket that remembers what was sent and lets the test speak for the server. */
class FakeWebSocket {
  static all = [];
  constructor(url) {
    this.url = url;
    this.readyState = 0;
    this.sent = [];
    FakeWebSocket.all.push(this);
  }
  send(text) { this.sent.push(JSON.parse(text)); }
  accept() { this.readyState = 1; this.onopen(); }
  drop() { this.readyState = 3; this.onclose(); }
}

function setUp() {
  FakeWebSocket.all = [];
  const waits = [];
  const socket = new Socket("ws://here/ws/live/", { WebSocketClass: FakeWebSocket, wait: (go, ms) => waits.push([go, ms]) });
  return { socket, waits, current: () => FakeWebSocket.all.at(-1) };
}

test("topics are subscribed when the socket opens, and again after it comes back", () => {
  const { socket, waits, current } = setUp();
  const states = [];
  socket.onState((state) => states.push(state));
  socket.subscribe("node:1", {});
  socket.subscribe("overview", {});
  assert.equal(FakeWebSocket.all.length, 1);
  current().accept();
  assert.deepEqual(current().sent.map((m) => m.topic), ["node:1", "overview"]);
  current().drop();
  waits.pop()[0]();
  current().accept();
  assert.deepEqual(current().sent.map((m) => m.topic), ["node:1", "overview"]);
  assert.deepEqual(states, ["live", "closed", "live"]);
});

test("waits grow while the server stays away", () => {
  const { socket, waits, current } = setUp();
  socket.subscribe("overview", {});
  for (let i = 0; i < 8; i++) {
    current().drop();
    waits.at(-1)[0]();
  }
  assert.ok(waits.every(([, ms], i) => ms <= 1000 * Math.min(30, 2 ** i)));
});

test("a frame of an unknown layout is not drawn but asked for", () => {
  const { socket, current } = setUp();
  const seen = [];
  socket.subscribe("n", { onFrame: (header, ids) => seen.push(ids) });
  current().accept();
  const head = { topic: "n", seq: 1, t: 10, step: 1, columns: 1, layout: "L1" };
  socket.receivedFrame({ header: { ...head, series: [{ id: "a" }] }, values: Float32Array.of(1) });
  socket.receivedFrame({ header: { ...head, seq: 2 }, values: Float32Array.of(2) });
  socket.receivedFrame({ header: { ...head, seq: 3, layout: "L2" }, values: Float32Array.of(3) });
  socket.receivedFrame({ header: { ...head, seq: 4, layout: "L2" }, values: Float32Array.of(3) });
  assert.deepEqual(seen, [["a"], ["a"]]);
  assert.equal(current().sent.length, 2);
});

test("a gap in a stream is reported once with both ends", () => {
  const { socket, current } = setUp();
  const gaps = [];
  socket.subscribe("job:1", { onGap: (from, to) => gaps.push([from, to]) });
  current().accept();
  for (const seq of [4, 5, 9, 10]) socket.receivedText({ type: "event", topic: "job:1", seq });
  assert.deepEqual(gaps, [[6, 9]]);
});

test("the address follows the page's scheme", () => {
  assert.equal(socketUrl("/ws/live/", { protocol: "https:", host: "dc.example" }), "wss://dc.example/ws/live/");
  assert.equal(socketUrl("/ws/live/", { protocol: "http:", host: "127.0.0.1:8000" }), "ws://127.0.0.1:8000/ws/live/");
});
