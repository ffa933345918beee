/** Keys of every page: "/" and Ctrl K search, "?" the sheet, "g x" jumps, Space live or pause. */
import { isTyping } from "./dom.js";

const JUMPS = { o: "overview", j: "jobs", n: "nodes", l: "launch" };
const PAIR_MILLISECONDS = 1200;

export function startShortcuts() {
  let pairUntil = 0;
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") return focusSearch(event);
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return undefined;
    if (event.timeStamp < pairUntil && event.key in JUMPS) return jump(event);
    pairUntil = event.key === "g" ? event.timeStamp + PAIR_MILLISECONDS : 0;
    if (event.key === "/") return focusSearch(event);
    if (event.key === "?") return document.getElementById("shortcuts")?.showModal();
    if (event.key === " ") return togglePause(event);
    return undefined;
  });
}

function focusSearch(event) {
  const field = document.querySelector("[data-list-search]") ?? document.querySelector("[data-search]");
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
}

function jump(event) {
  const link = document.querySelector(`[data-jump="${JUMPS[event.key]}"]`);
  if (!link) return;
  event.preventDefault();
  location.assign(link.href);
}

function togglePause(event) {
  const interactive = event.target.closest?.("button, a, summary, [role=button], [data-log-lines]");
  const button = document.querySelector('[data-live][aria-pressed="false"]');
  if (interactive || !button) return;
  event.preventDefault();
  button.click();
}
