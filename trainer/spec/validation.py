"""The one validator of job requests: form, REST, CLI and TOML all end here."""

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any

from trainer.spec import rules
from trainer.spec.fields import Leaf, Section, default_of, nodes, unwrap
from trainer.spec.hygiene import flaws, is_sound_key
from trainer.spec.job import JobSpec
from trainer.spec.problems import Problem, SpecInvalid, child
from trainer.spec.train import TrainConfig
from trainer.spec.values import check

MOST_UNKNOWN_KEYS = 20
"""Named per section; a hostile request with a million of them costs no search for each."""


def validate(request: Any) -> list[Problem]:
    """Every problem of a whole request, in the order of its settings; empty when it can be run.

    Rules between settings are looked at once each value by itself is sound.
    """
    found = _value_problems(JobSpec, request, "")
    return found or rules.broken_rules(_build(JobSpec, request))


def validate_train(request: Any, pointer: str = "/train") -> list[Problem]:
    """Like `validate` for a `train` section alone, as the trainer's own command line reads it."""
    found = _value_problems(TrainConfig, request, pointer)
    return found or rules.broken_train_rules(_build(TrainConfig, request))


def parse(request: Any) -> JobSpec:
    """The request with every default filled in. Raises SpecInvalid with its problems."""
    problems = validate(request)
    if problems:
        raise SpecInvalid(problems)
    return _build(JobSpec, request)


def parse_train(request: Any) -> TrainConfig:
    """A `train` section with every default filled in. Raises SpecInvalid with its problems."""
    problems = validate_train(request)
    if problems:
        raise SpecInvalid(problems)
    return _build(TrainConfig, request)


def _value_problems(cls: type, request: Any, pointer: str) -> list[Problem]:
    raw = [Problem(pointer + flaw.pointer, flaw.code, flaw.params) for flaw in flaws(request)]
    if any(problem.code == "too_deep" for problem in raw):
        return raw
    flawed = {problem.pointer for problem in raw}
    shaped = [found for found in _walk(cls, request, pointer) if found.pointer not in flawed]
    return raw + shaped


def _walk(cls: type, raw: Any, pointer: str) -> list[Problem]:
    if not isinstance(raw, Mapping):
        return [Problem(pointer, "wrong_type", {"expected": "table"})]
    members = {node.key: node for node in nodes(cls) if "." not in node.name}
    strange = [key for key in raw if key not in members and is_sound_key(key)][:MOST_UNKNOWN_KEYS]
    found = [_unknown(cls, key, members, pointer) for key in strange]
    for key, member in members.items():
        found += _member(member, raw, child(pointer, key))
    return found


def _member(member: Leaf | Section, raw: Mapping[str, Any], pointer: str) -> list[Problem]:
    if isinstance(member, Section):
        given = raw.get(member.key, None if member.optional else {})
        return [] if member.optional and given is None else _walk(member.cls, given, pointer)
    if member.key not in raw:
        return [Problem(pointer, "required")] if member.required else []
    return check(member, raw[member.key], pointer)


def _unknown(cls: type, key: Any, members: Mapping[str, Any], pointer: str) -> Problem:
    nearest = _nearest(cls, str(key), list(members))
    return Problem(child(pointer, key), "unknown_key", {"key": str(key)[:80], "nearest": nearest})


def _nearest(cls: type, key: str, names: list[str]) -> str:
    """Closest name: in this section, else the same name anywhere else, else the least far one here."""
    close = difflib.get_close_matches(key[:80], names, n=1, cutoff=0.6)
    elsewhere = [node.name for node in nodes(JobSpec) if node.key == key]
    below = [node.name for node in nodes(cls) if node.key == key]
    far = difflib.get_close_matches(key[:80], names, n=1, cutoff=0.0)
    return (close or below or elsewhere or far)[0]


def _build(cls: type, raw: Mapping[str, Any]) -> Any:
    given = {}
    for item in dataclasses.fields(cls):
        inner, _optional = unwrap(item.type)
        value = raw.get(item.name)
        if value is None:
            given[item.name] = None if item.name in raw else default_of(item)
        elif isinstance(inner, type) and dataclasses.is_dataclass(inner):
            given[item.name] = _build(inner, value)
        else:
            given[item.name] = _typed(inner, value)
    return cls(**given)


def _typed(inner: Any, value: Any) -> Any:
    if inner is float:
        return float(value) + 0.0  # -0.0 becomes 0.0, so that equal requests have equal hashes
    if isinstance(value, (list, tuple)):
        whole = inner is not tuple[float, ...]
        return tuple(value if whole else (float(item) + 0.0 for item in value))
    return dict(value) if isinstance(value, Mapping) else value
