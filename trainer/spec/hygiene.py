"""Checks that hold for any value from outside: text, numbers and depth that would hurt us later.

A NUL or half a surrogate pair is refused by PostgreSQL, an integer beyond 63 bits by every column,
NaN by JSON itself, and deep nesting by the interpreter's stack; so none of them gets past here.
"""

import math
import re
from typing import Any

from trainer.spec.problems import Problem, child

MAXIMUM_DEPTH = 32
LARGEST_INTEGER = 2**63 - 1
SMALLEST_INTEGER = -(2**63)
SURROGATE = re.compile("[\ud800-\udfff]")


def flaws(request: Any) -> list[Problem]:
    """Problems of raw values anywhere in `request`, without looking at its meaning."""
    found: list[Problem] = []
    waiting: list[tuple[str, Any, int]] = [("", request, 1)]
    while waiting:
        pointer, value, depth = waiting.pop()
        if depth > MAXIMUM_DEPTH:
            return [Problem(pointer, "too_deep", {"maximum": MAXIMUM_DEPTH})]
        waiting += [(place, inner, depth + 1) for place, inner in _entries(pointer, value, found)]
        found += _scalar_flaws(pointer, value)
    return sorted(found, key=lambda problem: problem.pointer)


def is_sound_key(key: Any) -> bool:
    """Whether `key` is text that may be shown and stored; others are named at their holder."""
    return isinstance(key, str) and not _text_flaws("", key)


def _entries(pointer: str, value: Any, found: list[Problem]) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [entry for key in value if (entry := _entry(pointer, key, value, found))]
    if isinstance(value, (list, tuple)):
        return [(child(pointer, index), inner) for index, inner in enumerate(value)]
    return []


def _entry(pointer: str, key: Any, holder: dict, found: list[Problem]) -> tuple[str, Any] | None:
    if is_sound_key(key):
        return child(pointer, key), holder[key]
    is_text = isinstance(key, str)
    found += _text_flaws(pointer, key) if is_text else [Problem(pointer, "wrong_type", {"expected": "name"})]
    return None


def _scalar_flaws(pointer: str, value: Any) -> list[Problem]:
    if isinstance(value, str):
        return _text_flaws(pointer, value)
    if isinstance(value, float) and not math.isfinite(value):
        return [Problem(pointer, "not_finite")]
    if isinstance(value, int) and not SMALLEST_INTEGER <= value <= LARGEST_INTEGER:
        limits = {"minimum": str(SMALLEST_INTEGER), "maximum": str(LARGEST_INTEGER)}
        return [Problem(pointer, "integer_out_of_range", limits)]
    return []


def _text_flaws(pointer: str, value: str) -> list[Problem]:
    if "\0" in value:
        return [Problem(pointer, "nul_character")]
    if SURROGATE.search(value):
        return [Problem(pointer, "lone_surrogate")]
    return []
