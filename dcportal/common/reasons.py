"""Codes into sentences: what is stored or sent is `{code, params, v}`, text is made for the reader."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.functional import Promise, keep_lazy_text
from django.utils.translation import gettext

logger = logging.getLogger(__name__)
_texts: dict[str, str | Promise] = {}


def register(texts: Mapping[str, str | Promise]) -> None:
    """Add an app's table of code -> lazily translated template with `{name}` places."""
    clashes = {code for code in texts if code in _texts and _texts[code] is not texts[code]}
    if clashes:
        raise ValueError(f"reason codes registered twice: {sorted(clashes)}")
    _texts.update(texts)


def of_choices(code: str, choices: Iterable[tuple[str, str | Promise]]) -> dict[str, str | Promise]:
    """Words for the values that a parameter of `code` may have, e.g. `job_is.held`."""
    return {f"{code}.{value}": inside_a_sentence(label) for value, label in choices}


@keep_lazy_text
def inside_a_sentence(label: str | Promise) -> str:
    return str(label).lower()


def reason(code: str, **params: object) -> dict[str, Any]:
    """The stored form of a reason."""
    return {"code": code, "params": params, "v": 1}


def text(code: str, params: Mapping[str, object] | None = None) -> str:
    """The sentence for `code` in the reader's language; an unknown code shows itself."""
    template = _texts.get(code)
    if template is None:
        return gettext("Unknown reason: {code}").format(code=code)
    try:
        return str(template).format(**{name: _shown(code, value) for name, value in (params or {}).items()})
    except (KeyError, IndexError, ValueError):
        logger.error("reason %s lacks a parameter: %s", code, params)
        return str(template)


def _shown(code: str, value: object) -> object:
    """A list as its items; a word that has an own text under `<code>.<word>` as that text."""
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return _texts.get(f"{code}.{value}", value) if isinstance(value, str) else value


def text_of(stored: Mapping[str, Any] | None) -> str:
    """The sentence for a stored reason; empty for none."""
    return text(stored["code"], stored.get("params")) if stored else ""


def is_known(code: str) -> bool:
    """True for a registered code."""
    return code in _texts


def codes() -> dict[str, str | Promise]:
    """All registered codes, for the test that every one is translated."""
    return dict(_texts)
