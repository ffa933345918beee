/** A <details> as a menu: closes on Escape, outside clicks and choices; arrows move inside. */

export function mount(element) {
  const summary = element.querySelector("summary");
  const close = () => { element.open = false; };
  document.addEventListener("click", (event) => element.contains(event.target) || close());
  element.addEventListener("click", (event) => event.target.closest(".menu-item") && close());
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && element.open) {
      close();
      summary.focus();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      element.open = true;
      moveFocus(element, event.key === "ArrowDown" ? 1 : -1);
    }
  });
}

function moveFocus(element, by) {
  const items = [...element.querySelectorAll(".menu-item")];
  const at = items.indexOf(document.activeElement);
  items[(at + by + items.length) % items.length]?.focus();
}
