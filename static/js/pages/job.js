/* Job page: its topic says when something changed; curves grow by what came since the last look. */
import { chartOf } from "../charts.js";
import { mountAll } from "../main.js";
import { onMessage } from "../live.js";
import { notify } from "../lib/notify.js";

const ENDED = new Set(["succeeded", "failed", "cancelled"]);
const CURVES_EVERY_MS = 1500;

export function mount(element) {
  let state = element.dataset.state;
  onMessage(element.dataset.topic, () => element.dispatchEvent(new CustomEvent("job-changed", { bubbles: true })));
  element.addEventListener("htmx:afterSettle", () => {
    const now = element.querySelector("[data-state]")?.dataset.state;
    if (!now || now === state) return;
    state = now;
    document.body.dispatchEvent(new CustomEvent("job-state", { detail: state }));
    if (ENDED.has(state)) ended(element);
  });
  if (!ENDED.has(state)) follow(document.getElementById("job-charts"));
}

/* One last look, a browser notice for who wants it, then the page as it stays. */
function ended(element) {
  const wanted = document.querySelector("[data-notice]")?.checked;
  if (wanted) notify(document.title, element.querySelector("[role=status]")?.textContent ?? "", element.dataset.topic);
  setTimeout(() => window.location.reload(), 2500);
}

/* Append what came since; a chart that is new brings its card with it. */
async function follow(host) {
  const url = host.dataset.curvesUrl;
  let newest = Number(host.dataset.lastStep ?? -1);
  let hardware = Math.floor(Date.now() / 1000);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, CURVES_EVERY_MS));
    if (document.hidden) continue;
    const answer = await fetch(`${url}?after_step=${newest}&hardware_after=${hardware}`).catch(() => null);
    if (!answer?.ok) continue;
    const { charts, is_open: isOpen } = await answer.json();
    newest = Math.max(newest, appendAll(host, charts));
    hardware = Math.max(hardware, newestReading(charts));
    if (!isOpen) return;
  }
}

function appendAll(host, charts) {
  let newest = -1;
  for (const [id, lines] of Object.entries(charts)) {
    const card = host.querySelector(`[data-figure="${CSS.escape(id)}-figure"]`);
    if (!card) {
      bringCards(host);
      return newest;
    }
    for (const [name, { x, y, step }] of Object.entries(lines)) {
      if (!x.length) continue;
      chartOf(card).append(name, x, y.map((value) => value ?? NaN));
      newest = Math.max(newest, step);
    }
  }
  return newest;
}

function newestReading(charts) {
  const ends = Object.entries(charts).filter(([id]) => id.startsWith("hardware-")).flatMap(([, lines]) => Object.values(lines).map(({ x }) => x.at(-1) ?? 0));
  return Math.max(0, ...ends);
}

/* A switch of this job stays as the reader left it. */
function rememberNotice(box) {
  const key = `notice:${box.dataset.notice}`;
  if (localStorage.getItem(key) === "off") box.checked = false;
  box.addEventListener("change", () => localStorage.setItem(key, box.checked ? "on" : "off"));
}

/* "Show in the log": the words go into the log's own search, which moves to the last hit. */
function findInLog(event) {
  const link = event.target.closest("[data-log-find]");
  const field = link && document.querySelector("[data-log-search]");
  if (!field) return;
  field.value = link.dataset.logFind;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

let bringing = false;

async function bringCards(host) {
  if (bringing) return;
  bringing = true;
  const answer = await fetch(window.location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("job-charts");
  if (fresh?.querySelector("[data-module~=chart]")) {
    host.replaceChildren(...fresh.childNodes);
    host.dataset.lastStep = fresh.dataset.lastStep;
    mountAll(host);
  }
  bringing = false;
}

document.addEventListener("click", findInLog);
for (const box of document.querySelectorAll("[data-notice]")) rememberNotice(box);
for (const element of document.querySelectorAll('[data-module~="job"]')) mount(element);
