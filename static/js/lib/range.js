/** The time range menu of the top bar; the choice is kept in the address, so that a link shows the same. */
import { change, onChange } from "./livestate.js";

export function mount(element) {
  const buttons = [...element.querySelectorAll("[data-range]")];
  const choose = (button) => change({ range: button.dataset.range, seconds: Number(button.dataset.seconds), live: button.dataset.range === "live" });
  element.addEventListener("click", (event) => event.target.closest("[data-range]") && choose(event.target.closest("[data-range]")));
  onChange(({ range }) => {
    mark(element, buttons, range);
    remember(range);
  });
  const asked = buttons.find((button) => button.dataset.range === new URLSearchParams(location.search).get("range"));
  if (asked) choose(asked);
}

function mark(element, buttons, range) {
  for (const button of buttons) {
    const chosen = button.dataset.range === range;
    button.setAttribute("aria-pressed", String(chosen));
    if (chosen) element.querySelector("[data-range-label]").textContent = button.textContent.trim();
  }
}

function remember(range) {
  const address = new URL(location.href);
  if (range === "live") address.searchParams.delete("range");
  else address.searchParams.set("range", range);
  history.replaceState(history.state, "", address);
}
