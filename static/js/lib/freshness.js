/** Foot of the navigation: how old the newest telemetry is, said truthfully while the page is open. */
import { gettext } from "./i18n.js";
import { setText } from "./dom.js";
import { clock } from "./time.js";

const heard = { newest: null, at: 0, agents: null };

/** Told by live.js for every frame and pulse: newest column (unix seconds), and agents {reporting, total}. */
export function hear(newest, agents = null) {
  if (newest !== null && newest >= (heard.newest ?? 0)) Object.assign(heard, { newest, at: performance.now() });
  if (agents) heard.agents = agents;
}

export function mount(element) {
  const age = element.querySelector("[data-freshness-age]");
  const agents = element.querySelector("[data-freshness-agents]");
  const rendered = Number(element.dataset.newest) || null;
  setInterval(() => document.hidden || show(element.querySelector(".dot"), age, agents, rendered), 1000);
}

function show(dot, age, agents, rendered) {
  if (heard.newest === null) return rendered === null ? undefined : setText(age, gettext("Telemetry as of %(time)s", { time: clock(rendered) }));
  const silent = Math.max(0, Math.round((performance.now() - heard.at) / 1000));
  const fresh = silent <= 5;
  dot.className = `dot dot-${fresh ? "ok" : "warning"}`;
  setText(age, fresh ? gettext("Telemetry %(n)s s fresh", { n: Math.max(1, silent) }) : gettext("Stale since %(time)s", { time: clock(heard.newest) }));
  if (heard.agents) setText(agents, gettext("%(reporting)s of %(total)s agents reporting", heard.agents));
  return undefined;
}
