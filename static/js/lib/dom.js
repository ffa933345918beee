/** Small helpers around the document; nothing here keeps state. */

/** An element with attributes and children: make("span", {class: "meta"}, "text"). */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** One icon of the sprite, hidden from screen readers. */
export function icon(name, css = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon ${css}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${document.documentElement.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

/** The data of a `<script type="application/json">`; null when there is none. */
export function jsonOf(id) {
  const script = id ? document.getElementById(id) : null;
  return script ? JSON.parse(script.textContent) : null;
}

/** Write text only where it differs, so that an unchanged figure costs no layout. */
export function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** Where the keyboard belongs to a field, single-key shortcuts must stay silent. */
export function isTyping(target) {
  return target instanceof Element && target.closest("input:not([type=checkbox],[type=radio]), textarea, select, [contenteditable]") !== null;
}
