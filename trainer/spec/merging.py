"""Requests laid over one another: a template with changes, a file with options, a clone with changes."""

import copy
from collections.abc import Mapping
from typing import Any

# Alternatives within these sections exclude each other, so a given section replaces the whole of the base.
_WHOLE = {"code", "environment"}


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with what `over` says in its place; lists and NAME=value tables are replaced, not joined.

    A command takes the place of a training section and the other way round.
    """
    result = copy.deepcopy(dict(base))
    for one, other in (("command", "train"), ("train", "command")):
        if over.get(one) is not None and over.get(other) is None:
            result.pop(other, None)
    return _joined(result, over, top=True)


def _joined(base: dict[str, Any], over: Mapping[str, Any], top: bool = False) -> dict[str, Any]:
    for key, value in over.items():
        held = base.get(key)
        stays_whole = key == "env" or (top and key in _WHOLE)
        if isinstance(value, Mapping) and isinstance(held, dict) and not stays_whole:
            base[key] = _joined(held, value)
        else:
            base[key] = copy.deepcopy(value)
    return base


def value_at(request: Mapping[str, Any], name: str, missing: Any = None) -> Any:
    """The value under a dotted name; `missing` when any part of the way is."""
    found: Any = request
    for key in name.split("."):
        if not isinstance(found, Mapping) or key not in found:
            return missing
        found = found[key]
    return found
