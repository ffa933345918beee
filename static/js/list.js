/**
 * A list with keys and a bulk bar: a form with data-module="list", rows [data-row][data-href], a checkbox a row.
 *
 * j/k move, x selects, Enter opens. A row's checkbox names the actions it allows in data-actions; the bar says how
 * many rows each action would touch and switches off those that touch none. data-weights='{"gpus": 8}' on a checkbox
 * is summed into the bar's note by [data-bulk-note] data-template="%(gpus)s GPUs".
 */
import { isTyping } from "./lib/dom.js";
import { ngettext } from "./lib/i18n.js";

const mounted = new WeakSet();

export function mount(form) {
  if (mounted.has(form)) return;
  mounted.add(form);
  form.addEventListener("change", (event) => changed(form, event.target));
  form.addEventListener("click", (event) => event.target.closest("[data-bulk-clear]") && clear(form));
  document.addEventListener("keydown", (event) => form.isConnected && key(form, event));
  form.addEventListener("htmx:beforeRequest", (event) => holdStill(form, event));
  form.addEventListener("htmx:afterSwap", () => refresh(form));
  refresh(form);
}

const boxesOf = (form) => [...form.querySelectorAll('[data-row] input[type="checkbox"]')];

/** While rows are chosen or one is marked, no refresh takes that from the reader. */
function holdStill(form, event) {
  if (form.querySelector("[data-row][data-cursor]") || boxesOf(form).some((box) => box.checked)) event.preventDefault();
}

function changed(form, target) {
  if (target.matches("[data-list-all]")) for (const box of boxesOf(form)) box.checked = target.checked;
  refresh(form);
}

function clear(form) {
  for (const box of boxesOf(form)) box.checked = false;
  refresh(form);
}

/** Rows, bar and counts after any change of the selection. */
function refresh(form) {
  const boxes = boxesOf(form);
  const chosen = boxes.filter((box) => box.checked);
  for (const box of boxes) box.closest("[data-row]").setAttribute("aria-selected", String(box.checked));
  const all = form.querySelector("[data-list-all]");
  if (all) Object.assign(all, { checked: boxes.length > 0 && chosen.length === boxes.length, indeterminate: chosen.length > 0 && chosen.length < boxes.length });
  const bar = form.querySelector("[data-bulk]");
  if (bar) showBar(bar, chosen);
}

function showBar(bar, chosen) {
  bar.hidden = chosen.length === 0;
  bar.querySelector("[data-bulk-count]").textContent = ngettext("%(count)s selected", "%(count)s selected", chosen.length);
  for (const button of bar.querySelectorAll("[data-bulk-action]")) {
    const touched = chosen.filter((box) => (box.dataset.actions ?? "").split(" ").includes(button.dataset.bulkAction)).length;
    button.disabled = touched === 0;
    button.querySelector("[data-bulk-label]").textContent = `${button.dataset.label} ${touched}`;
  }
  note(bar.querySelector("[data-bulk-note]"), chosen);
}

function note(element, chosen) {
  if (!element?.dataset.template) return;
  const sums = {};
  for (const box of chosen) for (const [name, value] of Object.entries(JSON.parse(box.dataset.weights ?? "{}"))) sums[name] = (sums[name] ?? 0) + value;
  element.textContent = element.dataset.template.replace(/%\((\w+)\)s/g, (_, name) => sums[name] ?? 0);
}

function key(form, event) {
  if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const rows = [...form.querySelectorAll("[data-row]")];
  if (event.key === "Escape") return leave(form, rows);
  const at = rows.findIndex((row) => row.hasAttribute("data-cursor"));
  if (event.key === "j" || event.key === "k") return move(rows, at, event.key === "j" ? 1 : -1);
  if (at < 0) return;
  if (event.key === "x") return toggle(form, rows[at]);
  if (event.key === "Enter" && !event.target.closest("a, button, summary")) location.assign(rows[at].dataset.href);
}

function leave(form, rows) {
  for (const row of rows) row.removeAttribute("data-cursor");
  clear(form);
}

function move(rows, at, by) {
  const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
  rows[at]?.removeAttribute("data-cursor");
  next?.setAttribute("data-cursor", "");
  next?.scrollIntoView({ block: "nearest" });
}

function toggle(form, row) {
  const box = row.querySelector('input[type="checkbox"]');
  if (box) box.checked = !box.checked;
  refresh(form);
}
