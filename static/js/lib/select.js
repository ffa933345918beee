/** A <select data-module="select"> with search; data-url loads its choices as [{value, text}] for ?q=. */

export async function mount(element) {
  if (!globalThis.TomSelect) await load(element.dataset.script);
  new globalThis.TomSelect(element, { maxOptions: 200, ...remote(element.dataset.url) });
}

function load(address) {
  const script = document.createElement("script");
  script.src = address;
  document.head.append(script);
  return new Promise((done, failed) => Object.assign(script, { onload: done, onerror: failed }));
}

function remote(address) {
  if (!address) return {};
  return {
    preload: "focus",
    load: (query, done) => fetch(`${address}?q=${encodeURIComponent(query)}`).then((answer) => answer.json()).then(done, () => done()),
  };
}
