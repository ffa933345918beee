"""Notations of a request: JSON, TOML, name=value assignments, and its canonical text and hash."""

import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any

from trainer.spec.fields import Leaf, leaves
from trainer.spec.job import JobSpec
from trainer.spec.problems import Problem, SpecInvalid
from trainer.spec.validation import parse


def from_json(text: str | bytes) -> Any:
    """Request from JSON text, not yet validated. Raises SpecInvalid where it is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        detail = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise SpecInvalid([Problem("", "bad_json", {"detail": detail})]) from None


def from_toml(text: str) -> dict[str, Any]:
    """Request from TOML text, not yet validated; dates become text. Raises SpecInvalid."""
    try:
        return _plain(tomllib.loads(text))
    except (ValueError, RecursionError) as error:
        detail = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise SpecInvalid([Problem("", "bad_toml", {"detail": detail})]) from None


def as_dict(spec: Any) -> dict[str, Any]:
    """Plain dict of a spec, fit for JSON and TOML: lists for tuples, what is None left out."""
    return _plain(dataclasses.asdict(spec))


def canonical_json(request: Mapping[str, Any]) -> str:
    """The one text of a request: defaults filled in, keys sorted, numbers in the field's own type.

    Requests that mean the same have the same text. Raises SpecInvalid.
    """
    plain = as_dict(parse(request))
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)


def spec_hash(request: Mapping[str, Any]) -> str:
    """sha256 of the canonical text, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(request).encode()).hexdigest()


def place(request: dict[str, Any], name: str, value: Any) -> None:
    """Put `value` under a dotted name, making the sections on the way."""
    *parents, key = name.split(".")
    for parent in parents:
        inner = request.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise SpecInvalid([Problem("/" + "/".join(parents), "wrong_type", {"expected": "table"})])
        request = inner
    request[key] = value


def assign(request: dict[str, Any], assignments: Iterable[str], cls: type = JobSpec) -> None:
    """Apply `train.optimiser.learning_rate=0.01` and the like. Unknown names are left to `validate`."""
    known = {leaf.name: leaf for leaf in leaves(cls)}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name:
            raise SpecInvalid([Problem("", "bad_assignment")])
        leaf = known.get(name)
        place(request, name, text if leaf is None else from_text(leaf, text))


def from_text(leaf: Leaf, text: str) -> Any:
    """Value of a form input or command-line option. Text that does not read as the leaf's type stays
    text, so that `validate` names it with the leaf's pointer; empty text is None where that is allowed.
    """
    if text == "" and leaf.optional:
        return None
    if leaf.kind == "string_map":
        return _pairs(text)
    if leaf.item_kind:
        return [_scalar(leaf.item_kind, part) for part in _parts(text, leaf.setting.multiline)]
    return _scalar(leaf.kind, text)


def _scalar(kind: str, text: str) -> Any:
    if kind == "boolean":
        return {"true": True, "on": True, "false": False, "": False}.get(text.strip().lower(), text)
    if kind == "string":
        return text
    try:
        return int(text) if kind == "integer" or text.strip().lstrip("-").isdigit() else float(text)
    except ValueError:
        return text


def _parts(text: str, by_line: bool) -> list[str]:
    parts = text.splitlines() if by_line else text.strip().strip("[]").split(",")
    return [part if by_line else part.strip() for part in parts if part.strip()]


def _pairs(text: str) -> Any:
    lines = [line.partition("=") for line in text.splitlines() if line.strip()]
    if not all(equals for _name, equals, _value in lines):
        return text
    return {name.strip(): value for name, _equals, value in lines}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, (datetime, date, time)) else value
