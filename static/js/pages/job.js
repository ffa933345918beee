/* Job page: a message on the job's topic reloads the changing parts at once; the poll is only the fallback. */
import { onMessage } from "../live.js";
import { notify } from "../lib/notify.js";

const ENDED = new Set(["succeeded", "failed", "cancelled"]);

export function mount(element) {
  let state = element.dataset.state;
  onMessage(element.dataset.topic, () => element.dispatchEvent(new CustomEvent("job-changed", { bubbles: true })));
  element.addEventListener("htmx:afterSettle", () => {
    const now = element.querySelector("[data-state]")?.dataset.state;
    if (!now || now === state) return;
    state = now;
    if (ENDED.has(state)) ended(element);
  });
}

/* The poll stops with the job; charts, log and side column are read once more. */
function ended(element) {
  notify?.(document.title, element.querySelector("[role=status]")?.textContent ?? "");
  setTimeout(() => window.location.reload(), 1500);
}

for (const element of document.querySelectorAll('[data-module~="job"]')) mount(element);
