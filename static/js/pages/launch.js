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
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
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
  if (source === "toml") {
    swap("launch-form", page);
    morphText(page, false);
  } else {
    morphText(page, true);
    moveMessages(form, page);
  }
  showFitting(form);
}

function swap(id, page) {
  const fresh = page.getElementById(id);
  if (fresh) document.getElementById(id).replaceChildren(...fresh.childNodes);
}

function morphText(page, withToml) {
  const kept = document.querySelector("[data-toml]");
  const typed = kept.value;
  const hadFocus = document.activeElement === kept;
  const at = [kept.selectionStart, kept.selectionEnd, kept.scrollTop];
  swap("launch-text", page);
  if (withToml) return;
  const fresh = document.querySelector("[data-toml]");
  fresh.value = typed;
  if (!hadFocus) return;
  fresh.focus();
  fresh.setSelectionRange(at[0], at[1]);
  fresh.scrollTop = at[2];
}

function moveMessages(form, page) {
  for (const fresh of page.querySelectorAll("[data-field]")) {
    const field = form.querySelector(`[data-field="${CSS.escape(fresh.dataset.field)}"]`);
    if (!field) continue;
    field.querySelector(".field-error")?.remove();
    const message = fresh.querySelector(".field-error");
    const input = field.querySelector("input, select, textarea");
    if (message) (input ?? field.lastElementChild).after(message);
    if (message) input?.setAttribute("aria-invalid", "true");
    else input?.removeAttribute("aria-invalid");
  }
}

for (const form of document.querySelectorAll('[data-module="launch"]')) mount(form);
