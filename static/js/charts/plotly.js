/** Brings Plotly in when the first chart needs it, with the settings every chart shares. */
import { gettext, locale } from "../lib/i18n.js";

let loading = null;

/** The Plotly object; the 0.5 MB script is fetched once, and its Chinese words only for Chinese readers. */
export function plotly() {
  loading ??= loadAll();
  return loading;
}

async function loadAll() {
  const { plotly: main, plotlyLocale } = document.documentElement.dataset;
  if (!globalThis.Plotly) await load(main);
  if (isChinese()) await load(plotlyLocale);
  return globalThis.Plotly;
}

function isChinese() {
  return locale().toLowerCase().startsWith("zh");
}

function load(address) {
  const script = document.createElement("script");
  script.src = address;
  document.head.append(script);
  return new Promise((done, failed) => {
    script.onload = done;
    script.onerror = () => failed(new Error(`could not load ${address}`));
  });
}

/** Config of a figure: nothing leaves this site, no logo, zoom and picture only. `save` makes the picture. */
export function config(save) {
  return {
    displaylogo: false,
    showSendToCloud: false,
    plotlyServerURL: "",
    locale: isChinese() ? "zh-CN" : "en",
    responsive: false,
    doubleClick: "reset",
    displayModeBar: "hover",
    modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", { name: "save", title: gettext("Save as a picture"), icon: globalThis.Plotly.Icons.camera, click: save }]],
  };
}
