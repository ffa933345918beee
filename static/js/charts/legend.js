/** The legend in a chart's head: a line sample, the name and, for few lines, the newest value; a click hides a line. */
import { make, setText } from "../lib/dom.js";
import { withUnit } from "../lib/numbers.js";

const WITH_VALUES = 3;

export class Legend {
  constructor(host, lines, onToggle) {
    const named = lines.filter((line) => line.role === "line" && line.name);
    this.items = named.map((line) => legendItem(line, onToggle));
    this.lines = named;
    host?.replaceChildren(...this.items.map((item) => item.element));
  }

  /** Write the newest value of each line behind its name; nothing for charts of many lines. */
  show(valueOf, unit, digits) {
    if (this.lines.length > WITH_VALUES) return;
    this.lines.forEach((line, i) => setText(this.items[i].value, withUnit(valueOf(line), unit, digits)));
  }
}

function legendItem(line, onToggle) {
  const value = make("b", {});
  const button = make("button", { class: "legend-item", type: "button", "aria-pressed": String(line.visible) }, make("span", { class: `legend-line legend-${line.hue}`, "aria-hidden": "true" }), `${line.name} `, value);
  button.addEventListener("click", () => {
    line.visible = !line.visible;
    button.setAttribute("aria-pressed", String(line.visible));
    onToggle(line);
  });
  return { element: make("li", {}, button), value };
}
