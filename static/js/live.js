/**
 * Live values of the page: one socket, one Ring per topic, one rAF loop that paints what is dirty and visible.
 *
 * Charts and maps call `watch(topic)` for the ring and `onTick(topic, paint)` for the ticks. Missing time is missing
 * data: without frames the rings slide on by the clock, so that a line ends where its data ended.
 */
import { hear } from "./lib/freshness.js";
import { Ring } from "./lib/ring.js";
import { Socket, socketUrl } from "./lib/socket.js";

export const STALE_SECONDS = 5;
const CAPACITY = 904; // columns: 15 min at 1 Hz and the one at their start
const BUDGET_MILLISECONDS = 8;

const feeds = new Map(); // topic -> {ring, painters, handlers, heardAt}
let socket = null;

/** The page's socket; made on first use. */
export function liveSocket() {
  if (!socket) {
    socket = new Socket(socketUrl(document.documentElement.dataset.liveSocket || "/ws/live/"));
    socket.onBroadcast = heardPulse;
    setInterval(slideSilentFeeds, 1000);
  }
  return socket;
}

function heardPulse(message) {
  if (message.type === "pulse") hear(message.newest ?? null, message.agents ?? null);
}

/** Subscribe a topic (once) and return its feed {ring, heardAt}. */
export function watch(topic) {
  if (feeds.has(topic)) return feeds.get(topic);
  const feed = { topic, ring: new Ring(CAPACITY), painters: new Set(), handlers: new Set(), heardAt: null, deniedWith: null };
  feeds.set(topic, feed);
  liveSocket().subscribe(topic, {
    onFrame: (header, ids, values) => heardFrame(feed, header, ids, values),
    onMessage: (message) => heardMessage(feed, message),
    onGap: (from, to) => heardMessage(feed, { type: "gap", topic, from, to }),
  });
  return feed;
}

/** Call `paint(feed)` inside the page's one rAF loop after every tick of the topic. Returns a function that stops it. */
export function onTick(topic, paint) {
  const feed = watch(topic);
  feed.painters.add(paint);
  return () => feed.painters.delete(paint);
}

/** Call `handle(message)` for JSON messages of the topic: subscribed, denied, snapshot, event, gap. */
export function onMessage(topic, handle) {
  const feed = watch(topic);
  feed.handlers.add(handle);
  return () => feed.handlers.delete(handle);
}

function heardFrame(feed, header, ids, values) {
  feed.ring.write(ids, values, header.columns, header.t);
  feed.heardAt = performance.now();
  hear(header.t);
  for (const paint of feed.painters) schedule(paint, feed);
}

function heardMessage(feed, message) {
  if (message.type === "denied") feed.deniedWith = message.code ?? "denied";
  heardPulse(message);
  for (const handle of feed.handlers) handle(message);
}

/** Whether nothing came for 5 s; null while nothing was heard at all. */
export function isStale(feed) {
  return feed.heardAt === null ? null : performance.now() - feed.heardAt > STALE_SECONDS * 1000;
}

function slideSilentFeeds() {
  if (document.hidden) return;
  for (const feed of feeds.values()) {
    const silent = feed.heardAt === null ? 0 : (performance.now() - feed.heardAt) / 1000;
    if (silent < 2.5) continue;
    feed.ring.advanceTo(feed.ring.newestSeconds + 1);
    for (const paint of feed.painters) schedule(paint, feed);
  }
}

const waiting = new Map();
let frame = 0;

/** Paint in the next frame; the same painter twice paints once. Nothing is painted while the page is hidden. */
export function schedule(paint, argument) {
  waiting.set(paint, argument);
  if (!frame) frame = requestAnimationFrame(drain);
}

function drain() {
  frame = 0;
  const until = performance.now() + BUDGET_MILLISECONDS;
  for (const [paint, argument] of waiting) {
    waiting.delete(paint);
    paint(argument);
    if (performance.now() > until) break;
  }
  if (waiting.size) frame = requestAnimationFrame(drain);
}
