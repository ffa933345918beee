/** Whether the page is live or paused and which range it shows; one state for all charts of the page. */

const state = { live: true, range: "live", seconds: 300 };
const listeners = new Set();

export function current() {
  return { ...state };
}

/** Call `listener(state, before)` after every change. */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Change live, range or seconds; unchanged values tell nobody. */
export function change(next) {
  const before = current();
  Object.assign(state, next);
  if (Object.keys(state).some((key) => state[key] !== before[key])) for (const listener of listeners) listener(current(), before);
}
