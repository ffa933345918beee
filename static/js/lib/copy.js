/** [data-copy="text"] and [data-copy-from="#id"] copy to the clipboard and say so. */
import { gettext } from "./i18n.js";
import { toast } from "./toast.js";

export function startCopy() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (!button) return;
    event.preventDefault();
    toast(await copy(textOf(button)), { seconds: 3 });
  });
}

function textOf(button) {
  const source = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
  return source ? source.value ?? source.textContent : button.dataset.copy;
}

/** Copy and return the sentence for the reader. Plain http has no clipboard API: the old way is tried then. */
export async function copy(text) {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else copyBySelection(text);
    return gettext("Copied");
  } catch {
    return gettext("This browser refused to copy");
  }
}

function copyBySelection(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "sr-only";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("copy refused");
}
