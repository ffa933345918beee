/** A switch that asks the browser for notices; `notify()` shows one when the reader allowed it. */

/** Show a browser notice; silent where it was not allowed or the page is in front. */
export function notify(title, body, tag) {
  if (globalThis.Notification?.permission !== "granted" || document.hasFocus()) return;
  new Notification(title, { body, tag });
}

export function mount(element) {
  if (!globalThis.Notification) element.disabled = true;
  else element.checked = Notification.permission === "granted" && element.checked;
  element.addEventListener("change", async () => {
    if (element.checked) element.checked = (await Notification.requestPermission()) === "granted";
  });
}
