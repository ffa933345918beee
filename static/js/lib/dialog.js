/**
 * Dialogs: [data-dialog="id"] opens one; data-confirm asks before a form is sent, a link followed or htmx calls.
 *
 * data-confirm is the sentence (with its count), data-confirm-title and data-confirm-button name it, data-confirm-tone
 * "danger" (usual) or "primary".
 */

export function startDialogs() {
  document.addEventListener("click", openDialog);
  document.addEventListener("click", closeByBackdrop);
  document.addEventListener("submit", confirmSubmit, true);
  document.addEventListener("click", confirmLink, true);
  document.addEventListener("htmx:confirm", confirmRequest);
}

function openDialog(event) {
  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
  const closer = event.target.closest("[data-dialog-close]");
  if (closer) closer.closest("dialog").close();
}

function closeByBackdrop(event) {
  if (event.target instanceof HTMLDialogElement && event.target.id !== "confirm") event.target.close();
}

/** Ask; resolves true or false. Escape and the first button mean no. */
export function confirm({ text, title, button, tone = "danger" }) {
  const dialog = document.getElementById("confirm");
  const yes = document.getElementById("confirm-yes");
  const heading = document.getElementById("confirm-title");
  heading.textContent = title || heading.dataset.default;
  document.getElementById("confirm-text").textContent = text;
  yes.textContent = button || yes.dataset.default;
  yes.className = `btn btn-${tone}`;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((answer) => dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true }));
}

function wishOf(element) {
  const { confirm: text, confirmTitle: title, confirmButton: button, confirmTone: tone } = element.dataset;
  return { text, title, button, tone };
}

async function confirmSubmit(event) {
  const asker = event.submitter?.dataset.confirm ? event.submitter : event.target.dataset.confirm ? event.target : null;
  if (!asker || asker.dataset.confirmed) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!(await confirm(wishOf(asker)))) return;
  asker.dataset.confirmed = "yes";
  event.target.requestSubmit(event.submitter ?? undefined);
  delete asker.dataset.confirmed;
}

async function confirmLink(event) {
  const link = event.target.closest?.("a[data-confirm]");
  if (!link) return;
  event.preventDefault();
  if (await confirm(wishOf(link))) location.assign(link.href);
}

async function confirmRequest(event) {
  if (!event.detail.question) return;
  event.preventDefault();
  if (await confirm({ ...wishOf(event.detail.elt), text: event.detail.question })) event.detail.issueRequest(true);
}
