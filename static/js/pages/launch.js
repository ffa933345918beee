/* Launch page: form and TOML stay one request; the server renders every draft, so limits live in one place. */

const DELAY_MS = 350;

export function mount(form) {
  let timer = 0;
  let running = null;
  const later = (source) => {
    clearTimeout(timer);
    timer = setTimeout(() => refresh(source), DELAY_MS);
  };
  const refresh = async (source) => {
    running?.abort();
    running = new AbortController();
    try {
      await draft(form, source, running.signal);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  };
  form.addEventListener("input", (event) => later(event.target.matches("[data-toml]") ? "toml" : "form"));
  form.addEventListener("change", () => showFitting(form));
  form.addEventListener("change", (event) => event.target.type === "file" && upload(event.target, form));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    form.requestSubmit();
  });
  showFitting(form);
}

/* Hides settings that have no effect while another has a different value (data-shown-when="name=value"). */
export function showFitting(form) {
  for (const element of form.querySelectorAll("[data-shown-when]")) {
    const [name, value] = element.dataset.shownWhen.split("=");
    const other = form.elements.namedItem(name);
    const target = element.matches("fieldset") ? element : element.closest(".field");
    if (other && target) target.hidden = other.value !== value;
  }
}

async function draft(form, source, signal) {
  const body = new FormData(form);
  body.set("source", source);
  if (source === "toml") body.set("toml", form.querySelector("[data-toml]").value);
  const answer = await fetch(form.dataset.draftUrl, {
    method: "POST",
    body,
    signal,
    headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
  });
  if (!answer.ok) return;
  apply(form, new DOMParser().parseFromString(await answer.text(), "text/html"), source);
}

/* Replaces what the reader is not typing in: the other notations, the preview, and messages at fields. */
function apply(form, page, source) {
  swap("launch-preview", page);
  for (const part of page.querySelectorAll("#launch-text [data-draft]")) swap(part.id, page);
  if (source === "toml") swap("launch-form", page);
  else {
    form.querySelector("[data-toml]").value = page.querySelector("[data-toml]").value;
    moveMessages(form, page);
  }
  showFitting(form);
}

function swap(id, page) {
  const fresh = page.getElementById(id);
  if (fresh) document.getElementById(id).replaceChildren(...fresh.childNodes);
}

function moveMessages(form, page) {
  for (const fresh of page.querySelectorAll("[data-field]")) {
    const field = form.querySelector(`[data-field="${CSS.escape(fresh.dataset.field)}"]`);
    if (!field) continue;
    field.querySelector(".field-error")?.remove();
    const message = fresh.querySelector(".field-error");
    const input = field.querySelector("input, select, textarea");
    if (message) (input ?? field.lastElementChild).after(message);
    if (message) for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    if (message) input?.setAttribute("aria-invalid", "true");
    else input?.removeAttribute("aria-invalid");
  }
}

/* Sends the chosen archive at once; its id becomes the value of the field beside it. */
async function upload(input, form) {
  const box = input.closest("[data-upload-url]");
  const note = box.querySelector("[data-upload-note]");
  if (!input.files.length) return;
  const body = new FormData();
  body.set("file", input.files[0]);
  note.textContent = `${input.files[0].name} …`;
  const headers = { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
  const answer = await fetch(box.dataset.uploadUrl, { method: "POST", body, headers }).catch(() => null);
  const said = await answer?.json().catch(() => null);
  note.textContent = answer?.ok ? `${said.name} ✓` : (said?.detail ?? `${answer?.status ?? ""} ✗`);
  note.classList.toggle("tone-critical", !answer?.ok);
  if (!answer?.ok) return;
  const field = document.getElementById(box.dataset.uploadFor);
  field.value = said.uid;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

for (const form of document.querySelectorAll('[data-module="launch"]')) mount(form);
