/** Short messages at the lower right, read out politely; errors stay until dismissed. */
import { icon, make } from "./dom.js";
import { gettext } from "./i18n.js";

const ICONS = { ok: ["circle-check", "tone-ok"], warning: ["alert", "tone-warning"], critical: ["circle-cross", "tone-critical"], info: ["info", "tone-accent"] };
const SECONDS = 8;

/** Show `text`; `action` is {label, run}. Returns a function that removes it. */
export function toast(text, { tone = "info", action = null, seconds = SECONDS } = {}) {
  const close = make("button", { class: "toast-close", type: "button", "data-toast-close": true, "aria-label": gettext("Dismiss") }, icon("cross", "icon-small"));
  const element = make("div", { class: "toast", "data-tone": tone }, icon(...(ICONS[tone] ?? ICONS.info)), make("span", { class: "toast-text" }, text));
  if (action) element.append(actionButton(action, element));
  element.append(close);
  document.getElementById("toasts").append(element);
  mount(element, seconds);
  return () => element.remove();
}

function actionButton({ label, run }, element) {
  const button = make("button", { class: "btn btn-small", type: "button" }, label);
  button.addEventListener("click", () => {
    element.remove();
    run();
  });
  return button;
}

/** A toast that is already in the page; it leaves by itself unless it reports an error. */
export function mount(element, seconds = SECONDS) {
  const sticky = ["error", "critical", "danger"].includes(element.dataset.tone);
  element.querySelector("[data-toast-close]").addEventListener("click", () => element.remove());
  if (!sticky) leaveAfter(element, seconds);
}

function leaveAfter(element, seconds) {
  let timer = setTimeout(() => element.remove(), seconds * 1000);
  element.addEventListener("pointerenter", () => clearTimeout(timer));
  element.addEventListener("pointerleave", () => { timer = setTimeout(() => element.remove(), seconds * 500); });
}
