/**
 * Windows of a log: REST for what lies back, a socket for what comes, REST again where the socket stays away.
 *
 * A window is {offset, next_offset, end_offset, dropped_bytes, text}; offsets count all bytes ever written.
 */
import { reconnectDelay } from "../lib/backoff.js";
import { socketUrl } from "../lib/socket.js";

export const WINDOW_BYTES = 256 * 1024;

export class LogFeed {
  constructor(address, socketPath, onWindow) {
    Object.assign(this, { address, socketPath, onWindow, next: 0, first: 0, attempt: 0 });
  }

  /** The window at `offset` (negative: from the end), about `limit` bytes of whole lines. */
  async read(offset, limit = WINDOW_BYTES) {
    const separator = this.address.includes("?") ? "&" : "?";
    const answer = await fetch(`${this.address}${separator}offset=${offset}&limit=${limit}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`log ${answer.status}`);
    return answer.json();
  }

  /** The end of the log first, then everything that is written. */
  async start() {
    const window = await this.read(-WINDOW_BYTES);
    this.first = window.offset;
    this.take(window);
    if (this.socketPath) this.follow();
  }

  take(window) {
    this.next = window.next_offset;
    this.onWindow(window);
  }

  /** What lies before the first window, ending exactly where it begins; null at the start of the log. */
  async earlier() {
    if (this.first <= 0) return null;
    const from = Math.max(0, this.first - WINDOW_BYTES);
    let window = await this.read(from, this.first - from);
    if (window.next_offset > this.first) window = await this.read(window.offset, this.first - window.offset);
    const reached = window.text && window.offset < this.first && window.next_offset <= this.first;
    this.first = reached ? window.offset : 0;
    return reached ? window : null;
  }

  follow() {
    const socket = new WebSocket(`${socketUrl(this.socketPath)}?offset=${this.next}`);
    socket.onmessage = (event) => this.heard(JSON.parse(event.data));
    socket.onopen = () => { this.attempt = 0; };
    socket.onclose = (event) => this.lost(event.code);
    this.socket = socket;
  }

  heard(message) {
    if (message.type === "end") this.ended = true;
    if (typeof message.text === "string" && message.next_offset > this.next) this.take(message);
  }

  /** Codes from 4400 on are refusals, which asking again does not change. */
  lost(code) {
    if (this.ended || code >= 4400 || code === 1000) return;
    this.attempt += 1;
    setTimeout(() => (this.attempt > 3 ? this.poll() : this.follow()), reconnectDelay(this.attempt) * 1000);
  }

  async poll() {
    try {
      const window = await this.read(this.next);
      if (window.next_offset > this.next) this.take(window);
    } finally {
      setTimeout(() => this.poll(), 2000);
    }
  }
}
