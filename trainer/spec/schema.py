"""JSON Schema 2020-12 of a request, as OpenAPI 3.1 embeds it; generated from the dataclasses."""

from typing import Any

from trainer.spec.fields import Leaf, Section, Setting, nodes
from trainer.spec.hygiene import LARGEST_INTEGER, SMALLEST_INTEGER
from trainer.spec.job import JobSpec


def json_schema(cls: type = JobSpec) -> dict[str, Any]:
    """Schema of `cls` with every limit, default and choice. Rules between settings stay in `rules`."""
    members = [node for node in nodes(cls) if "." not in node.name]
    schema: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {node.key: _member(node) for node in members},
    }
    required = [node.key for node in members if _must_be_given(node)]
    if required:
        schema["required"] = required
    if cls is JobSpec:
        schema["oneOf"] = [{"required": ["command"]}, {"required": ["train"]}]
    return schema


def _must_be_given(node: Leaf | Section) -> bool:
    if isinstance(node, Leaf):
        return node.required
    inner = [member for member in nodes(node.cls) if "." not in member.name]
    return not node.optional and any(_must_be_given(member) for member in inner)


def _member(node: Leaf | Section) -> dict[str, Any]:
    described = {"title": node.setting.label, "description": node.setting.help}
    schema = json_schema(node.cls) if isinstance(node, Section) else _leaf(node)
    if node.optional:
        schema["type"] = [schema["type"], "null"]
    return {**{name: text for name, text in described.items() if text}, **schema}


def _leaf(leaf: Leaf) -> dict[str, Any]:
    item = _scalar(leaf.item_kind or leaf.kind, leaf.setting)
    counts = {"min": leaf.setting.min_items, "max": leaf.setting.max_items}
    if leaf.kind == "string_map":
        item = {"type": "object", "additionalProperties": item, "maxProperties": counts["max"]}
    elif leaf.item_kind:
        item = {"type": "array", "items": item, "minItems": counts["min"], "maxItems": counts["max"]}
    if leaf.optional and "enum" in item:
        item["enum"] = [*item["enum"], None]
    return item if leaf.required or leaf.default is None else {**item, "default": _json(leaf.default)}


def _scalar(kind: str, setting: Setting) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": kind}
    if setting.choices is not None:
        schema["enum"] = list(setting.choices)
    if kind == "string":
        schema |= {"minLength": setting.min_length, "maxLength": setting.max_length}
    if kind in ("integer", "number"):
        schema |= _limits(kind, setting)
    if setting.unit:
        schema["x-unit"] = setting.unit
    return schema


def _limits(kind: str, setting: Setting) -> dict[str, float]:
    limits = {
        "minimum": setting.minimum,
        "maximum": setting.maximum,
        "exclusiveMinimum": setting.exclusive_minimum,
        "exclusiveMaximum": setting.exclusive_maximum,
    }
    given = {name: limit for name, limit in limits.items() if limit is not None}
    if kind == "integer":
        given = {"minimum": SMALLEST_INTEGER, "maximum": LARGEST_INTEGER} | given
    return given


def _json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
