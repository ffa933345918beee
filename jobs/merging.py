"""What a template allows to change in a request, and ranks where none were given."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from dcportal.common.problems import Problem
from trainer.spec.merging import value_at

_MISSING = object()


def is_given(request: Mapping[str, Any], name: str) -> bool:
    """Whether `request` says anything under this dotted name."""
    return value_at(request, name, _MISSING) is not _MISSING


def locked_problems(
    template: Mapping[str, Any], locked: Iterable[str], request: Mapping[str, Any]
) -> list[Problem]:
    """Settings that the template locks and `request` gives another value."""
    return [
        Problem("/" + name.replace(".", "/"), "locked_by_template", {"setting": name})
        for name in locked
        if is_given(request, name) and value_at(request, name) != value_at(template, name, _MISSING)
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
