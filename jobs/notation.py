"""A job request as text for people: TOML, a `dcp` command line, a curl call."""

import copy
import json
import shlex
from collections.abc import Mapping
from typing import Any

import tomli_w

from trainer.spec.fields import Leaf, leaves, nodes
from trainer.spec.job import JobSpec
from trainer.spec.merging import value_at

# Shown even when equal to the default: without them a request would not say what it is about.
TELLING = {"job.name", "resources.ranks", "resources.gpus", "train.model.name", "train.dataset.name"}


def to_toml(request: Mapping[str, Any]) -> str:
    """The request as TOML that `dcp submit -f` and the launch page take; defaults are left out."""
    return tomli_w.dumps(compact(request), multiline_strings=True)


def compact(request: Mapping[str, Any]) -> dict[str, Any]:
    """The same request without what equals the default or has no effect; unknown keys stay."""
    short = copy.deepcopy(_without_none(request))
    for leaf in leaves(JobSpec):
        is_idle = not has_effect(leaf, request)
        if leaf.name not in TELLING and (is_idle or _is_default(leaf, value_at(request, leaf.name))):
            _remove(short, leaf.name)
    return short


def has_effect(leaf: Leaf, request: Mapping[str, Any]) -> bool:
    """False for a setting of a model or optimiser that the request did not choose."""
    parts = leaf.name.split(".")
    conditions = [_SHOWN_WHEN.get(".".join(parts[: n + 1])) for n in range(len(parts))]
    return all(value_at(request, each[0]) == each[1] for each in conditions if each)


_SHOWN_WHEN = {
    node.name: node.setting.shown_when for node in nodes(JobSpec) if node.setting.shown_when is not None
}


def _is_default(leaf: Leaf, value: Any) -> bool:
    default = list(leaf.default) if isinstance(leaf.default, tuple) else leaf.default
    return value is None or value == default or (isinstance(value, tuple) and list(value) == default)


def _remove(request: dict[str, Any], name: str) -> None:
    """Take a setting out, and the sections that are empty then (an empty `train` means something)."""
    *parents, key = name.split(".")
    way = [request]
    for parent in parents:
        inner = way[-1].get(parent)
        if not isinstance(inner, dict):
            return
        way.append(inner)
    way[-1].pop(key, None)
    for depth in range(len(parents), 0, -1):
        if not way[depth] and parents[:depth] != ["train"]:
            way[depth - 1].pop(parents[depth - 1], None)


def to_cli(
    request: Mapping[str, Any], template: str | None = None, base: Mapping[str, Any] | None = None
) -> str:
    """The `dcp submit` line that makes the same job, one option a line.

    With a template, only what differs from its request `base` is said.
    """
    lines = ["dcp submit" + (f" {shlex.quote(template)}" if template else "")]
    lines += [f"--{leaf.name} {shlex.quote(text)}" for leaf, text in _options(compact(request), base or {})]
    if request.get("command"):
        lines.append("-- " + shlex.join(str(part) for part in request["command"]))
    return " \\\n  ".join(lines)


def to_curl(request: Mapping[str, Any], base_url: str) -> str:
    """The same as a call of the REST API; the token comes from the variable DCP_TOKEN."""
    body = json.dumps(compact(request), indent=2, ensure_ascii=False)
    return " \\\n  ".join(
        [
            f"curl -X POST {shlex.quote(base_url + '/api/v1/jobs/')}",
            '-H "Authorization: Bearer $DCP_TOKEN"',
            "-H 'Content-Type: application/json'",
            f"-d {shlex.quote(body)}",
        ]
    )


def as_text(leaf: Leaf, value: Any) -> str:
    """A value as a form input or option shows it; the opposite of `trainer.spec.from_text`."""
    if value is None:
        return ""
    if leaf.kind == "string_map" and isinstance(value, Mapping):
        return "\n".join(f"{key}={item}" for key, item in value.items())
    if leaf.item_kind and isinstance(value, list | tuple):
        return ("\n" if leaf.setting.multiline else ", ").join(str(item) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _options(request: Mapping[str, Any], base: Mapping[str, Any]) -> list[tuple[Leaf, str]]:
    """Each setting that differs from the base, lists as one entry per item."""
    given = []
    for leaf in leaves(JobSpec):
        value = value_at(request, leaf.name)
        if value is None or leaf.name in {"schema", "command"} or value == value_at(base, leaf.name):
            continue
        if leaf.kind == "string_map" and isinstance(value, Mapping):
            given += [(leaf, f"{key}={item}") for key, item in value.items()]
        elif isinstance(value, list | tuple):
            given += [(leaf, str(item)) for item in value]
        else:
            given.append((leaf, as_text(leaf, value)))
    return given


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value
