"""Requests made from others: a template with changes, a job cloned with changes, defaults filled in."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from dcportal.common.problems import Problem

# Alternatives within these sections exclude each other, so a given section replaces the whole of the base.
_WHOLE = {"code", "environment"}
_MISSING = object()


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


def value_at(request: Mapping[str, Any], name: str) -> Any:
    """The value under a dotted name, or a marker that equals nothing else when it is not given."""
    value: Any = request
    for key in name.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return _MISSING
        value = value[key]
    return value


def is_given(request: Mapping[str, Any], name: str) -> bool:
    """Whether `request` says anything under this dotted name."""
    return value_at(request, name) is not _MISSING


def locked_problems(
    template: Mapping[str, Any], locked: Iterable[str], request: Mapping[str, Any]
) -> list[Problem]:
    """Settings that the template locks and `request` gives another value."""
    return [
        Problem("/" + name.replace(".", "/"), "locked_by_template", {"setting": name})
        for name in locked
        if is_given(request, name) and value_at(request, name) != value_at(template, name)
    ]


def with_default_ranks(request: Mapping[str, Any]) -> dict[str, Any]:
    """Ranks that were not given: min(2, GPUs asked for), or 2 on the CPU."""
    result = copy.deepcopy(dict(request))
    resources = result.get("resources", {})
    if isinstance(resources, dict) and resources.get("ranks") is None:
        gpus = resources.get("gpus")
        wanted = gpus if isinstance(gpus, int) and not isinstance(gpus, bool) else 0
        result["resources"] = {**resources, "ranks": min(2, wanted) if wanted > 0 else 2}
    return result
