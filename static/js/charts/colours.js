/** Colours of the present theme, read from the CSS variables once per theme. */
import { onThemeChange } from "../lib/theme.js";

const NAMES = {
  text: "--text-muted", strong: "--text", grid: "--chart-grid", border: "--border", surface: "--surface", band: "--chart-band",
  critical: "--critical", warning: "--warning", neutral: "--neutral", accent: "--accent", starting: "--starting", cursor: "--chart-cursor",
  hatch: "--hatch", strongBorder: "--border-strong", criticalTint: "--critical-tint", lowEdge: "--cell-low-edge", control: "--border-control",
};

let palette = null;

/** {text, grid, ..., series: [null, c1 ... c8]} as rgb() text. */
export function colours() {
  palette ??= read();
  return palette;
}

/** light-dark() is resolved only in a real property, hence the probe. */
function read() {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const resolve = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const found = Object.fromEntries(Object.entries(NAMES).map(([key, name]) => [key, resolve(name)]));
  found.series = [null, ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => resolve(`--series-${n}`))];
  probe.remove();
  return found;
}

/** A colour at an opacity. */
export function faint(colour, opacity) {
  return colour.replace(/^rgba?\(([^)]+)\)$/, (whole, inside) => `rgba(${inside.split(/[ ,\/]+/).slice(0, 3).join(",")},${opacity})`);
}

if (globalThis.document) onThemeChange(() => { palette = null; });
