/** Charts of a page: mount(element) draws one, chartOf(element) gives it to a page's script (append, show, settle). */
import { Chart } from "./charts/chart.js";

const charts = new WeakMap();

export function mount(element) {
  if (!charts.has(element)) charts.set(element, new Chart(element));
  return charts.get(element);
}

/** The Chart of an element with data-module="chart", mounted if it was not yet. */
export function chartOf(element) {
  return mount(element);
}
