/**
 * One websocket a page: subscribes topics, decodes frames, notices gaps, comes back by itself.
 *
 * A *state* frame replaces what came before, so a gap under its columns means nothing. A *stream* event carries seq;
 * a gap calls onGap once. After every reconnect all topics are subscribed again and the server sends snapshots.
 */
import { reconnectDelay } from "./backoff.js";
import { decodeFrame } from "./frame.js";

const SIGNED_OUT = 4401;

export class Socket {
  constructor(url, { WebSocketClass = globalThis.WebSocket, wait = setTimeout } = {}) {
    this.url = url;
    this.topics = new Map(); // topic -> {onFrame, onMessage, onGap, layout, ids, seq}
    this.listeners = new Set();
    this.attempt = 0;
    this.state = "connecting";
    this.dependencies = { WebSocketClass, wait };
  }

  /** Start, or do nothing when already open. */
  open() {
    if (this.socket && this.socket.readyState <= 1) return;
    const socket = new this.dependencies.WebSocketClass(this.url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.opened(socket);
    socket.onmessage = (event) => this.received(event.data);
    socket.onclose = (event) => this.closed(socket, event?.code);
    this.socket = socket;
  }

  /** Handlers of a topic: onFrame(header, ids, values), onMessage(message), onGap(expected, seen). */
  subscribe(topic, handlers) {
    this.topics.set(topic, { onFrame() {}, onMessage() {}, onGap() {}, layout: null, ids: [], seq: null, ...handlers });
    this.send({ type: "subscribe", topic });
    this.open();
  }

  unsubscribe(topic) {
    if (this.topics.delete(topic)) this.send({ type: "unsubscribe", topic });
  }

  /** Call `listener(state)` on every change of connecting | live | closed | signed-out (which does not come back). */
  onState(listener) {
    this.listeners.add(listener);
  }

  opened(socket) {
    if (socket !== this.socket) return;
    this.attempt = 0;
    this.setState("live");
    for (const [topic, entry] of this.topics) {
      entry.layout = null;
      this.send({ type: "subscribe", topic });
    }
  }

  closed(socket, code) {
    if (socket !== this.socket) return;
    this.setState(code === SIGNED_OUT ? "signed-out" : "closed");
    if (code === SIGNED_OUT) return;
    this.dependencies.wait(() => this.open(), reconnectDelay(this.attempt) * 1000);
    this.attempt += 1;
  }

  send(message) {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(message));
  }

  async received(data) {
    if (typeof data === "string") return this.receivedText(JSON.parse(data));
    try {
      this.receivedFrame(await decodeFrame(data));
    } catch (error) {
      console.warn("live frame not understood:", error.message);
    }
  }

  receivedFrame({ header, values }) {
    const entry = this.topics.get(header.topic);
    if (!entry) return;
    if (header.series) {
      entry.layout = header.layout;
      entry.ids = header.series.map((series) => series.id ?? series);
    }
    if (entry.ids.length * header.columns !== values.length || header.layout !== entry.layout) return this.relearn(header.topic, entry);
    entry.seq = header.seq;
    entry.onFrame(header, entry.ids, values);
  }

  /** A frame of a layout this page has not been told: ask again, once per layout. */
  relearn(topic, entry) {
    if (entry.asked === entry.seq) return;
    entry.asked = entry.seq;
    this.send({ type: "subscribe", topic });
  }

  receivedText(message) {
    const entry = this.topics.get(message.topic);
    if (!entry) return this.broadcast(message);
    if (message.type === "event" && Number.isInteger(message.seq)) this.checkSequence(entry, message.seq);
    entry.onMessage(message);
  }

  checkSequence(entry, seq) {
    const expected = entry.eventSeq === undefined ? seq : entry.eventSeq + 1;
    if (seq > expected) entry.onGap(expected, seq);
    entry.eventSeq = Math.max(seq, entry.eventSeq ?? seq);
  }

  /** A message without a topic (pulse, error) goes to every topic's handler. */
  broadcast(message) {
    for (const entry of this.topics.values()) entry.onMessage(message);
    this.onBroadcast?.(message);
  }

  setState(state) {
    if (this.state === state) return;
    this.state = state;
    for (const listener of this.listeners) listener(state);
  }
}

/** The socket address of this site for a path. */
export function socketUrl(path, location = globalThis.location) {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
}
