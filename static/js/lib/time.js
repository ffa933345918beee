/** Times for people. Relative ones are refreshed by one timer for the whole page. */
import { gettext, locale } from "./i18n.js";
import { duration } from "./numbers.js";

let zone;

/** The reader's time zone: the account's where it is set, else the browser's. */
export function timeZone() {
  if (zone === undefined) zone = checkedZone(globalThis.document?.documentElement.dataset.timeZone);
  return zone;
}

function checkedZone(name) {
  try {
    return name && new Intl.DateTimeFormat("en", { timeZone: name }) && name;
  } catch {
    return undefined;
  }
}

const formats = new Map();

function format(kind, options) {
  if (!formats.has(kind)) formats.set(kind, new Intl.DateTimeFormat(locale(), { ...options, hourCycle: "h23", timeZone: timeZone() || undefined }));
  return formats.get(kind);
}

/** `14:32:07` of unix seconds. */
export function clock(seconds) {
  return format("clock", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(seconds * 1000);
}

/** Date and time in full, for titles. */
export function fullTime(seconds) {
  return format("full", { dateStyle: "medium", timeStyle: "medium" }).format(seconds * 1000);
}

/** `3 min ago` in the reader's words; under 10 s `just now`. */
export function ago(seconds, now) {
  const age = Math.max(0, now - seconds);
  return age < 10 ? gettext("just now") : gettext("%(duration)s ago", { duration: duration(age) });
}

/** Label of a point on a relative axis: 0 -> now, -120 -> −2 min. */
export function relativeLabel(seconds) {
  if (seconds === 0) return gettext("now");
  const size = Math.abs(seconds);
  return size % 60 === 0 ? gettext("−%(n)s min", { n: size / 60 }) : gettext("−%(n)s s", { n: size });
}

/** `<time datetime>`: data-time="ago" shows the age, "since" a running duration, anything else a clock time. */
export function refreshTimes(root = document, now = Date.now() / 1000) {
  for (const element of root.querySelectorAll("time[data-time]")) {
    const seconds = Date.parse(element.dateTime) / 1000;
    if (Number.isNaN(seconds)) continue;
    const text = { ago, since: (from, to) => duration(Math.max(0, to - from)) }[element.dataset.time] ?? clock;
    const written = text(seconds, now);
    if (element.textContent !== written) element.textContent = written;
    if (!element.title) element.title = fullTime(seconds);
  }
}

/** Keep all times of the page fresh, every second while it is visible. */
export function startTimes() {
  refreshTimes();
  setInterval(() => document.hidden || refreshTimes(), 1000);
}
