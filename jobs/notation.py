"""A job request as text for people: TOML, a `dcp` command line, a curl call."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

import tomli_w

from trainer.spec.fields import Leaf, leaves
from trainer.spec.job import JobSpec


def to_toml(request: Mapping[str, Any]) -> str:
    """The request as TOML that `dcp submit -f` and the launch page take; unset keys are left out."""
    return tomli_w.dumps(_without_none(request), multiline_strings=True)


def to_cli(request: Mapping[str, Any], template: str | None = None) -> str:
    """The `dcp submit` line that makes the same job, one option a line."""
    lines = ["dcp submit" + (f" {shlex.quote(template)}" if template else "")]
    lines += [f"--{leaf.name} {shlex.quote(text)}" for leaf, text in _options(request)]
    if request.get("command"):
        lines.append("-- " + shlex.join(str(part) for part in request["command"]))
    return " \\\n  ".join(lines)


def to_curl(request: Mapping[str, Any], base_url: str) -> str:
    """The same as a call of the REST API; the token comes from the variable DCP_TOKEN."""
    body = json.dumps(_without_none(request), indent=2, ensure_ascii=False)
    return " \\\n  ".join(
        [
            f"curl -X POST {shlex.quote(base_url + '/api/v1/jobs/')}",
            '-H "Authorization: Bearer $DCP_TOKEN"',
            "-H 'Content-Type: application/json'",
            f"-d {shlex.quote(body)}",
        ]
    )


def value_at(request: Mapping[str, Any], name: str) -> Any:
    """The value under a dotted name, None when any part of the way is missing."""
    found: Any = request
    for key in name.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found


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


def _options(request: Mapping[str, Any]) -> list[tuple[Leaf, str]]:
    """Each setting that is given, lists as one entry per item."""
    given = []
    for leaf in leaves(JobSpec):
        value = value_at(request, leaf.name)
        if value is None or leaf.name in {"schema", "command"}:
            continue
        if leaf.kind == "string_map" and isinstance(value, Mapping):
            given += [(leaf, f"{key}={item}") for key, item in value.items()]
        elif isinstance(value, list | tuple):
            given += [(leaf, str(item)) for item in value]
        elif value != leaf.default:
            given.append((leaf, as_text(leaf, value)))
    return given


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value
