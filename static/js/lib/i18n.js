/** Words for the reader: Django's JavaScript catalogue where the page has it, English otherwise. */

/** The reader's text for an English one; `%(name)s` parts are filled from `params`. */
export function gettext(text, params = {}) {
  const translated = globalThis.django?.gettext?.(text) ?? text;
  return fill(translated, params);
}

/** Singular or plural by `count`, which is also available as `%(count)s`. */
export function ngettext(one, many, count, params = {}) {
  const translated = globalThis.django?.ngettext?.(one, many, count) ?? (count === 1 ? one : many);
  return fill(translated, { count, ...params });
}

function fill(text, params) {
  return text.replace(/%\((\w+)\)s/g, (whole, name) => (name in params ? String(params[name]) : whole));
}

/** BCP 47 tag of the page's language. */
export function locale() {
  return globalThis.document?.documentElement.lang || "en";
}
