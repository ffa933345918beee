/** Theme menu: light, dark or as the system; remembered in this browser. */
import { gettext } from "./i18n.js";

const KEY = "dcp-theme";
const root = globalThis.document?.documentElement;

/** Whether dark is what the reader sees now. */
export function isDark() {
  const fixed = root.dataset.theme;
  return fixed ? fixed === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Call `listener()` after every change of the visible theme. Returns a function that stops it. */
export function onThemeChange(listener) {
  document.addEventListener("dcp:theme", listener);
  return () => document.removeEventListener("dcp:theme", listener);
}

/** Choose light, dark or system and tell everybody. */
export function choose(theme) {
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  remember(theme);
  document.dispatchEvent(new CustomEvent("dcp:theme"));
}

function remember(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    console.info(gettext("This browser keeps no settings; the theme lasts until the page is left."));
  }
}

export function mount(element) {
  const buttons = element.querySelectorAll("[data-theme-choice]");
  const mark = () => buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.themeChoice === (root.dataset.theme ?? "system"))));
  element.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    choose(button.dataset.themeChoice);
    mark();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new CustomEvent("dcp:theme")));
  mark();
}
