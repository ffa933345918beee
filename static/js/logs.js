/**
 * The log viewer: only rows in sight exist as elements, so 100,000 lines scroll like a hundred.
 *
 * Following stops when the reader scrolls up and goes on at the end; search counts hits among the lines at hand; rank
 * chips hide ranks; wrapping shows the last 5,000 lines at their own height. ANSI colours are kept, markup is text.
 */
import { make, setText } from "./lib/dom.js";
import { gettext, ngettext } from "./lib/i18n.js";
import { scaled } from "./lib/numbers.js";
import { clock } from "./lib/time.js";
import { LogFeed } from "./logs/feed.js";
import { append, parseLines, search, visible } from "./logs/lines.js";
import { AnsiUp } from "../vendor/ansi_up.js";

const ROW = 20;
const SPARE = 20;
const WRAPPED_LINES = 5000;
const MAX_SHOWN_CHARACTERS = 4000;

class LogView {
  constructor(element) {
    this.element = element;
    this.part = (name) => element.querySelector(`[data-log-${name}]`);
    this.scroller = this.part("lines");
    this.spacer = this.scroller.appendChild(make("div", { class: "log-spacer" }));
    Object.assign(this, { lines: [], shown: [], hits: [], hit: -1, hidden: new Set(), following: true, dropped: 0 });
    this.ansi = new AnsiUp();
    this.ansi.use_classes = true;
    this.ansi.url_allowlist = {};
    this.feed = new LogFeed(element.dataset.logUrl, element.dataset.socketUrl, (window) => this.arrived(window));
    this.listen();
    this.feed.start().catch(() => this.say(gettext("The log could not be read.")));
  }

  listen() {
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.element.addEventListener("click", (event) => this.clicked(event));
    this.part("search").addEventListener("input", () => this.find());
    this.part("search").addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.goTo(event.shiftKey ? -1 : 1);
    });
    new ResizeObserver(() => this.draw()).observe(this.scroller);
  }

  arrived(window) {
    this.dropped = Math.max(this.dropped, window.dropped_bytes ?? 0);
    append(this.lines, parseLines(window.text));
    this.refresh();
  }

  refresh() {
    this.shown = visible(this.lines, this.hidden);
    this.find(false);
    this.count();
    if (this.following) this.toEnd();
    this.draw();
  }

  count() {
    const number = this.lines.length.toLocaleString("en");
    setText(this.part("count"), this.feed.first > 0 ? gettext("last %(n)s lines", { n: number }) : ngettext("%(n)s line", "%(n)s lines", this.lines.length, { n: number }));
    if (this.dropped) this.say(gettext("%(size)s dropped: the log is over its limit.", { size: scaled(this.dropped, "B") }));
    const chips = this.element.querySelectorAll("[data-log-rank]");
    setText(this.part("ranks-shown"), gettext("%(n)s of %(total)s shown", { n: chips.length - this.hidden.size, total: chips.length }));
  }

  say(text) {
    const note = this.part("note");
    note.hidden = false;
    setText(note, text);
  }

  /** Create the rows in sight; rows out of sight do not exist. */
  draw() {
    if (this.wrapped) return this.drawWrapped();
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW) - SPARE);
    const last = Math.min(this.shown.length, Math.ceil((this.scroller.scrollTop + this.scroller.clientHeight) / ROW) + SPARE);
    this.spacer.style.height = `${this.shown.length * ROW}px`;
    this.spacer.replaceChildren(...this.shown.slice(first, last).map((index, i) => this.row(index, first + i)));
    return undefined;
  }

  drawWrapped() {
    const from = Math.max(0, this.shown.length - WRAPPED_LINES);
    this.spacer.style.height = "auto";
    this.spacer.replaceChildren(...this.shown.slice(from).map((index, i) => this.row(index, from + i)));
    if (this.following) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  row(index, position) {
    const line = this.lines[index];
    const text = make("span", { class: "log-text" });
    // ansi_up escapes markup; the reset keeps one line's colour out of the next.
    text.innerHTML = this.ansi.ansi_to_html(`${line.text.slice(0, MAX_SHOWN_CHARACTERS)}\x1b[0m`);
    const row = make("div", { class: "log-line", "data-level": line.level || null, "data-hit": this.hitMark(position) });
    if (!this.wrapped) row.style.top = `${position * ROW}px`;
    if (this.feed.first <= 0) row.append(make("span", { class: "log-number" }, String(index + 1)));
    row.append(make("span", { class: "log-number" }, line.seconds === null ? "" : clock(line.seconds)), make("span", { class: "log-rank" }, sourceWord(line.source)), text);
    return row;
  }

  hitMark(position) {
    if (!this.hits.length) return null;
    if (this.hits[this.hit] === position) return "now";
    return this.hitSet.has(position) ? "yes" : null;
  }

  /** Count the hits of the search field; the nearest one from the end becomes the present one. */
  find(jump = true) {
    this.hits = search(this.lines, this.shown, this.part("search").value);
    this.hitSet = new Set(this.hits);
    if (jump) this.hit = this.hits.length - 1;
    this.hit = Math.min(this.hit, this.hits.length - 1);
    this.tellHits();
    if (jump && this.hits.length) this.goTo(0);
    else if (jump) this.draw();
  }

  tellHits() {
    const words = this.part("search").value.trim();
    setText(this.part("hits"), words ? gettext("%(n)s of %(total)s", { n: this.hit + 1, total: this.hits.length }) : "");
  }

  goTo(by) {
    if (!this.hits.length) return;
    this.hit = (this.hit + by + this.hits.length) % this.hits.length;
    this.setFollowing(false);
    this.scroller.scrollTop = this.hits[this.hit] * ROW - this.scroller.clientHeight / 2;
    this.tellHits();
    this.draw();
  }

  scrolled() {
    const atEnd = this.scroller.scrollTop + this.scroller.clientHeight >= this.scroller.scrollHeight - ROW;
    if (!atEnd && this.scroller.scrollTop < (this.lastTop ?? 0)) this.setFollowing(false);
    if (atEnd && !this.following && this.scroller.scrollTop > (this.lastTop ?? 0)) this.setFollowing(true);
    this.lastTop = this.scroller.scrollTop;
    if (this.scroller.scrollTop < ROW * 5) this.loadEarlier();
    if (this.wrapped || this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  async loadEarlier() {
    if (this.loading || this.following || this.feed.first <= 0) return;
    this.loading = true;
    try {
      const window = await this.feed.earlier();
      if (window) this.prepend(parseLines(window.text));
    } finally {
      this.loading = false;
    }
  }

  prepend(earlier) {
    const before = [];
    append(before, earlier);
    this.lines = before.concat(this.lines);
    const shown = this.shown.length;
    this.shown = visible(this.lines, this.hidden);
    this.find(false);
    this.count();
    this.draw();
    this.scroller.scrollTop += (this.shown.length - shown) * ROW;
  }

  toEnd() {
    if (!this.wrapped) this.spacer.style.height = `${this.shown.length * ROW}px`;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.lastTop = this.scroller.scrollTop;
  }

  setFollowing(following) {
    this.following = following;
    const button = this.part("follow");
    const word = button.querySelector("[data-on]");
    button.setAttribute("aria-pressed", String(following));
    button.classList.toggle("btn-on", following);
    setText(word, following ? word.dataset.on : word.dataset.off);
    if (following) this.toEnd();
  }

  clicked(event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.hasAttribute("data-log-follow")) this.setFollowing(!this.following);
    if (button.hasAttribute("data-log-wrap")) this.wrap(button);
    if (button.dataset.logHit) this.goTo(Number(button.dataset.logHit));
    if (button.dataset.logRank !== undefined) this.toggleRank(button);
  }

  wrap(button) {
    this.wrapped = !this.wrapped;
    button.setAttribute("aria-pressed", String(this.wrapped));
    button.classList.toggle("btn-on", this.wrapped);
    this.scroller.classList.toggle("log-wrapped", this.wrapped);
    this.refresh();
  }

  toggleRank(button) {
    const pressed = button.getAttribute("aria-pressed") === "true";
    button.setAttribute("aria-pressed", String(!pressed));
    if (pressed) this.hidden.add(button.dataset.logRank);
    else this.hidden.delete(button.dataset.logRank);
    this.refresh();
  }
}

function sourceWord(source) {
  if (source === "-") return gettext("run");
  return source === "=" || source === "" ? "·" : `r${source}`;
}

const views = new WeakMap();

/** The viewer of an element with data-module="logs". */
export function mount(element) {
  if (!views.has(element)) views.set(element, new LogView(element));
  return views.get(element);
}
