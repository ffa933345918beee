/** The Live | Pause segment of the top bar. Pause freezes the picture, not the collection. */
import { change, current, onChange } from "./livestate.js";

export function mount(element) {
  const buttons = [...element.querySelectorAll("[data-live]")];
  const mark = ({ live }) => buttons.forEach((button) => button.setAttribute("aria-pressed", String((button.dataset.live === "on") === live)));
  element.addEventListener("click", (event) => {
    const button = event.target.closest("[data-live]");
    if (!button) return;
    const live = button.dataset.live === "on";
    change(live && current().range !== "live" ? { live, range: "live" } : { live });
  });
  onChange(mark);
  mark(current());
}
