/** Navigation as a sheet under 768 px: opened by the menu button, closed by Escape, a link or the backdrop. */

export function startNav() {
  const nav = document.getElementById("nav");
  const toggles = [...document.querySelectorAll("[data-nav-toggle]")];
  if (!nav) return;
  const set = (open) => {
    document.body.dataset.nav = open ? "open" : "closed";
    toggles.forEach((button) => button.hasAttribute("aria-expanded") && button.setAttribute("aria-expanded", String(open)));
    (open ? nav.querySelector("a, button") : toggles[0])?.focus();
  };
  const isOpen = () => document.body.dataset.nav === "open";
  toggles.forEach((button) => button.addEventListener("click", () => set(!isOpen())));
  document.addEventListener("keydown", (event) => event.key === "Escape" && isOpen() && set(false));
  document.addEventListener("click", (event) => {
    if (isOpen() && !nav.contains(event.target) && !event.target.closest("[data-nav-toggle]")) set(false);
  });
}
