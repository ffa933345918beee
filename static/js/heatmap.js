/**
 * The fleet map: racks, nodes and GPUs as cells, live from a topic; pointer, touch and arrow keys name a node, click
 * or Enter opens it. Values come as frames; states as messages {cells: {id: state}}.
 *
 * Fleet (json_script): {racks: [{name, url, nodes: [{uid, name, url, note, cells: [{id, label, state, series?}]}]}],
 * metrics: [{key, label, unit, low, high, series: "{id}/metric", idle?: "value"}]}.
 */
import { colours } from "./charts/colours.js";
import { find, place, step } from "./heatmap/geometry.js";
import { lookOf, paintCell, paintScale } from "./heatmap/painter.js";
import { jsonOf, make, setText } from "./lib/dom.js";
import { gettext } from "./lib/i18n.js";
import { current } from "./lib/livestate.js";
import { withUnit } from "./lib/numbers.js";
import { onThemeChange } from "./lib/theme.js";
import { onMessage, onTick, watch } from "./live.js";

class FleetMap {
  constructor(element) {
    this.element = element;
    this.map = element.querySelector("[data-heatmap-map]");
    this.line = element.querySelector("[data-heatmap-line]");
    this.canvas = this.map.appendChild(document.createElement("canvas"));
    this.outline = this.map.appendChild(make("div", { class: "heatmap-node", hidden: true }));
    this.fleet = jsonOf(element.dataset.fleet);
    this.metric = this.fleet.metrics[0];
    this.looks = new Map();
    this.feed = element.dataset.topic ? watch(element.dataset.topic) : null;
    this.listen();
    this.scale();
  }

  listen() {
    new ResizeObserver(() => this.fit()).observe(this.map);
    this.map.addEventListener("pointermove", (event) => this.pointed(event));
    this.map.addEventListener("pointerleave", () => this.select(null));
    this.map.addEventListener("click", (event) => this.clicked(event));
    this.map.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("click", (event) => this.tool(event));
    onThemeChange(() => this.repaint());
    if (!this.feed) return;
    onTick(this.feed.topic, () => current().live && this.paint());
    onMessage(this.feed.topic, (message) => this.heard(message));
  }

  /** Fit the map to the card's width and paint all of it. */
  fit() {
    const width = this.map.clientWidth;
    if (!width) return;
    this.plan = place(this.fleet, width);
    const ratio = Math.min(globalThis.devicePixelRatio || 1, 2);
    this.map.style.height = `${this.plan.height}px`;
    Object.assign(this.canvas, { width: width * ratio, height: this.plan.height * ratio });
    this.canvas.style.width = `${width}px`;
    this.context = this.canvas.getContext("2d");
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.looks.clear();
    this.labels();
    this.paint();
  }

  repaint() {
    if (this.plan) this.fit();
  }

  labels() {
    const context = this.context;
    const font = getComputedStyle(document.body).fontFamily;
    const c = colours();
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.textBaseline = "top";
    for (const { index, x, y, width } of this.plan.racks) {
      const rack = this.fleet.racks[index];
      const free = rack.nodes.flatMap((node) => node.cells).filter((cell) => cell.state === "free").length;
      context.font = `550 11px ${font}`;
      context.fillStyle = c.strong;
      context.textAlign = "left";
      context.fillText(rack.name, x, y + 1, width);
      if (!free || width < 70) continue;
      context.font = `400 11px ${font}`;
      context.fillStyle = c.text;
      context.textAlign = "right";
      context.fillText(gettext("%(n)s free", { n: free }), x + width, y + 1);
    }
  }

  /** Paint the cells whose look changed. */
  paint() {
    if (!this.plan || document.hidden) return;
    for (const place of this.plan.racks) place.nodes.forEach((node, i) => this.paintNode(node, this.fleet.racks[place.index].nodes[i]));
    if (this.selected) this.tell();
  }

  paintNode(place, node) {
    node.cells.forEach((cell, i) => {
      const look = lookOf(cell.state, this.valueOf(cell), this.metric);
      if (this.looks.get(cell) === look) return;
      this.looks.set(cell, look);
      paintCell(this.context, place.cells[i].x, place.cells[i].y, this.plan.cell, look);
    });
  }

  valueOf(cell) {
    return this.feed ? this.feed.ring.latest(this.seriesOf(cell)) : cell.values?.[this.metric.key] ?? NaN;
  }

  seriesOf(cell) {
    cell.names ??= {};
    cell.names[this.metric.key] ??= cell.series?.[this.metric.key] ?? this.metric.series.replace("{id}", cell.id);
    return cell.names[this.metric.key];
  }

  heard(message) {
    if (!message.cells) return;
    for (const rack of this.fleet.racks) for (const node of rack.nodes) for (const cell of node.cells) cell.state = message.cells[cell.id] ?? cell.state;
    if (this.plan) this.fit();
  }

  pointed(event) {
    const box = this.map.getBoundingClientRect();
    this.select(find(this.plan, event.clientX - box.left, event.clientY - box.top));
  }

  /** A mouse click opens; the first touch names the node, the second opens it. */
  clicked(event) {
    const before = this.selected;
    this.pointed(event);
    const again = before && this.selected && before.rack === this.selected.rack && before.node === this.selected.node;
    if (this.selected && (event.pointerType !== "touch" || again)) this.open();
  }

  key(event) {
    if (event.key === "Enter" && this.selected) return this.open();
    if (event.key === "Escape") return this.select(null);
    if (!event.key.startsWith("Arrow") || !this.plan.racks.length) return undefined;
    event.preventDefault();
    return this.select(this.selected ? step(this.plan, this.selected, event.key) : { rack: 0, node: 0 });
  }

  open() {
    const { url } = this.nodeOf(this.selected);
    if (url) location.assign(url);
  }

  nodeOf({ rack, node }) {
    return this.fleet.racks[rack].nodes[node];
  }

  /** Outline a node and say it under the map; null clears both. */
  select(place) {
    this.selected = place;
    this.map.style.cursor = place ? "pointer" : "";
    this.outline.hidden = !place;
    if (!place) return setText(this.line, "");
    const { x, y, width, height } = this.plan.racks[place.rack].nodes[place.node];
    this.outline.style.transform = `translate(${x - 4}px, ${y - 4}px)`;
    this.outline.style.width = `${width + 8}px`;
    this.outline.style.height = `${height + 8}px`;
    return this.tell();
  }

  tell() {
    const node = this.nodeOf(this.selected);
    const cell = this.selected.cell === null || this.selected.cell === undefined ? null : node.cells[this.selected.cell];
    const words = [node.name, cell ? `${cell.label} ${this.wordOf(cell)}` : null, node.note];
    setText(this.line, words.filter(Boolean).join(" · "));
  }

  wordOf(cell) {
    const look = lookOf(cell.state, this.valueOf(cell), this.metric);
    if (typeof look === "number") return withUnit(this.valueOf(cell), this.metric.unit);
    return { free: gettext("free"), drained: gettext("drained"), stale: gettext("stale"), lost: gettext("lost") }[look];
  }

  tool(event) {
    const choice = event.target.closest("[data-heatmap-metric]");
    if (choice) this.choose(choice);
    if (event.target.closest("[data-chart-table]")) this.toggleTwin(event.target.closest("[data-chart-table]"));
  }

  choose(choice) {
    for (const other of this.element.querySelectorAll("[data-heatmap-metric]")) other.setAttribute("aria-pressed", String(other === choice));
    this.metric = this.fleet.metrics.find((metric) => metric.key === choice.dataset.heatmapMetric);
    this.scale();
    this.paint();
  }

  scale() {
    paintScale(this.element.querySelector("[data-heatmap-scale]"));
    setText(this.element.querySelector("[data-heatmap-low]"), withUnit(this.metric.low, this.metric.unit));
    setText(this.element.querySelector("[data-heatmap-high]"), withUnit(this.metric.high, this.metric.unit));
  }

  toggleTwin(button) {
    const twin = this.element.querySelector("[data-chart-twin]");
    twin.hidden = !twin.hidden;
    this.map.hidden = !twin.hidden;
    button.setAttribute("aria-pressed", String(!twin.hidden));
    if (!twin.hidden) twin.replaceChildren(this.table());
  }

  table() {
    const head = [gettext("Rack"), gettext("Node"), this.metric.label, gettext("Note")].map((text) => make("th", { scope: "col" }, text));
    const rows = this.fleet.racks.flatMap((rack) => rack.nodes.map((node) => this.row(rack, node)));
    return make("table", { class: "table table-compact" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
  }

  row(rack, node) {
    const link = make("a", { href: node.url ?? "#" }, node.name);
    const cells = node.cells.map((cell) => `${cell.label} ${this.wordOf(cell)}`).join(", ");
    return make("tr", {}, make("td", {}, rack.name), make("td", {}, link), make("td", {}, cells), make("td", {}, node.note ?? ""));
  }
}

const maps = new WeakMap();

/** Draw the map of an element with data-module="heatmap". */
export function mount(element) {
  if (!maps.has(element)) maps.set(element, new FleetMap(element));
  return maps.get(element);
}
