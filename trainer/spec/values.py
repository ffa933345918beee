"""Check of one value against one leaf: type, limits, choices, format."""

from typing import Any

from trainer.spec.fields import Leaf, Setting
from trainer.spec.formats import FORMATS
from trainer.spec.problems import Problem, child


def check(leaf: Leaf, value: Any, pointer: str) -> list[Problem]:
    """Problems of `value` at `pointer`; none for null where the leaf is optional."""
    if value is None and leaf.optional:
        return []
    entries = _entries(leaf, value, pointer)
    if entries is None:
        return [Problem(pointer, "wrong_type", {"expected": leaf.kind})]
    if leaf.item_kind and (wrong_count := _count_problems(leaf, value, pointer)):
        return wrong_count
    kind = leaf.item_kind or leaf.kind
    found = [problem for place, item in entries for problem in _item(kind, leaf.setting, item, place)]
    if not found and leaf.setting.format:
        found = FORMATS[leaf.setting.format](pointer, value)
    return found


def _entries(leaf: Leaf, value: Any, pointer: str) -> list[tuple[str, Any]] | None:
    if leaf.kind == "string_map":
        is_map = isinstance(value, dict)
        return [(child(pointer, key), item) for key, item in value.items()] if is_map else None
    if leaf.item_kind:
        is_list = isinstance(value, (list, tuple))
        return [(child(pointer, at), item) for at, item in enumerate(value)] if is_list else None
    return [(pointer, value)]


def _count_problems(leaf: Leaf, value: Any, pointer: str) -> list[Problem]:
    if len(value) > leaf.setting.max_items:
        return [Problem(pointer, "too_many", {"maximum": leaf.setting.max_items})]
    if len(value) < leaf.setting.min_items:
        return [Problem(pointer, "too_few", {"minimum": leaf.setting.min_items})]
    return []


def _item(kind: str, setting: Setting, value: Any, pointer: str) -> list[Problem]:
    if not is_kind(kind, value):
        return [Problem(pointer, "wrong_type", {"expected": kind})]
    if setting.choices is not None and value not in setting.choices:
        return [Problem(pointer, "not_a_choice", {"choices": list(setting.choices)})]
    if kind == "string":
        return _text_problems(setting, value, pointer)
    return [] if kind == "boolean" else _range_problems(setting, value, pointer)


def is_kind(kind: str, value: Any) -> bool:
    """Whether `value` may stand where `kind` is expected; a whole number may stand for a number."""
    if kind == "string":
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool)
    numbers = (int,) if kind == "integer" else (int, float)
    return isinstance(value, numbers) and not isinstance(value, bool)


def _text_problems(setting: Setting, value: str, pointer: str) -> list[Problem]:
    if len(value) < setting.min_length or (setting.min_length and not value.strip()):
        return [Problem(pointer, "too_short")]
    if len(value) > setting.max_length:
        return [Problem(pointer, "too_long", {"maximum": setting.max_length})]
    if not setting.multiline and not value.isprintable():
        return [Problem(pointer, "control_character")]
    return []


def _range_problems(setting: Setting, value: float, pointer: str) -> list[Problem]:
    if setting.minimum is not None and value < setting.minimum:
        return [Problem(pointer, "too_small", {"minimum": setting.minimum})]
    if setting.maximum is not None and value > setting.maximum:
        return [Problem(pointer, "too_large", {"maximum": setting.maximum})]
    if setting.exclusive_minimum is not None and value <= setting.exclusive_minimum:
        return [Problem(pointer, "not_above", {"minimum": setting.exclusive_minimum})]
    if setting.exclusive_maximum is not None and value >= setting.exclusive_maximum:
        return [Problem(pointer, "not_below", {"maximum": setting.exclusive_maximum})]
    return []
