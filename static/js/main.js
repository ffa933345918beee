/**
 * Starts every part of a page: an element with data-module="a b" is mounted by modules a and b, once.
 *
 * Imports are written out, because hashed file names (manifest storage) rewrite only literal addresses. A page's own
 * script is a module of its own in block scripts.
 */
import { startCopy } from "./lib/copy.js";
import { startDialogs } from "./lib/dialog.js";
import { startNav } from "./lib/nav.js";
import { startShortcuts } from "./lib/shortcuts.js";
import { startTicker } from "./lib/ticker.js";
import { startTimes } from "./lib/time.js";

const modules = {
  bulk: () => import("./list.js"),
  chart: () => import("./charts.js"),
  freshness: () => import("./lib/freshness.js"),
  heatmap: () => import("./heatmap.js"),
  list: () => import("./list.js"),
  livepause: () => import("./lib/livepause.js"),
  logs: () => import("./logs.js"),
  menu: () => import("./lib/menu.js"),
  notify: () => import("./lib/notify.js"),
  range: () => import("./lib/range.js"),
  select: () => import("./lib/select.js"),
  tabs: () => import("./lib/tabs.js"),
  theme: () => import("./lib/theme.js"),
  toast: () => import("./lib/toast.js"),
};

const mounted = new WeakMap();

/** Mount all parts under `root` that are not mounted yet; called again for every piece htmx brings in. */
export function mountAll(root = document) {
  const elements = [...root.querySelectorAll("[data-module]")];
  if (root instanceof Element && root.matches("[data-module]")) elements.unshift(root);
  for (const element of elements) for (const name of element.dataset.module.split(/\s+/)) mountOne(element, name);
}

async function mountOne(element, name) {
  const done = mounted.get(element) ?? new Set();
  if (done.has(name) || !(name in modules)) return;
  done.add(name);
  mounted.set(element, done);
  (await modules[name]()).mount(element);
}

startCopy();
startDialogs();
startNav();
startShortcuts();
startTicker();
startTimes();
mountAll();
document.addEventListener("htmx:load", (event) => mountAll(event.detail.elt));
document.documentElement.dataset.ready = ""; // tests wait for it before they click
