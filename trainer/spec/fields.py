"""Settings as data: how a dataclass field carries its limits, and the walk over all of them.

Portal form, command-line options, TOML and the OpenAPI schema are generated from `leaves()`, so a
field added to a dataclass of this package appears in all of them with no other edit.
"""

import dataclasses
import types
import typing
from collections.abc import Iterator
from dataclasses import MISSING, dataclass
from typing import Any

KINDS: dict[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    tuple[str, ...]: "string_list",
    tuple[int, ...]: "integer_list",
    tuple[float, ...]: "number_list",
    dict[str, str]: "string_map",
}
ITEM_KINDS = {
    "string_list": "string",
    "integer_list": "integer",
    "number_list": "number",
    "string_map": "string",
}


@dataclass(frozen=True)
class Setting:
    """What is known about one field besides its type. Limits of a list hold for each of its items."""

    label: str
    help: str = ""
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    choices: tuple[str, ...] | None = None
    unit: str | None = None
    format: str | None = None
    min_length: int = 0
    max_length: int = 1024
    min_items: int = 0
    max_items: int = 256
    advanced: bool = False
    multiline: bool = False
    shown_when: tuple[str, str] | None = None
    """(dotted name, value): only has an effect while that other setting has that value."""


@dataclass(frozen=True)
class Leaf:
    """One setting at its place in the request."""

    pointer: str
    name: str
    section: str
    key: str
    kind: str
    optional: bool
    required: bool
    default: Any
    setting: Setting
    python_type: Any

    @property
    def item_kind(self) -> str | None:
        """Kind of the entries of a list or map, None for a plain value."""
        return ITEM_KINDS.get(self.kind)


@dataclass(frozen=True)
class Section:
    """A group of settings: one nested dataclass."""

    pointer: str
    name: str
    key: str
    optional: bool
    setting: Setting
    cls: type


def setting(default: Any = MISSING, *, label: str, help: str = "", **limits: Any) -> Any:
    """Dataclass field with its label, help and limits; without a default it must be given."""
    metadata = {"setting": Setting(label=label, help=help, **limits)}
    return dataclasses.field(default=default, metadata=metadata)


def mapping(*, label: str, help: str = "", **limits: Any) -> Any:
    """Dataclass field for name=value pairs, empty by default."""
    metadata = {"setting": Setting(label=label, help=help, **limits)}
    return dataclasses.field(default_factory=dict, metadata=metadata)


def section(cls: Any, *, label: str, help: str = "", optional: bool = False, **rest: Any) -> Any:
    """Dataclass field for a nested group; an optional one is None unless the request names it."""
    metadata = {"setting": Setting(label=label, help=help, **rest)}
    if optional:
        return dataclasses.field(default=None, metadata=metadata)
    return dataclasses.field(default_factory=cls, metadata=metadata)


def unwrap(annotation: Any) -> tuple[Any, bool]:
    """(type without None, whether None was allowed)."""
    if not isinstance(annotation, types.UnionType):
        return annotation, False
    inner = [part for part in typing.get_args(annotation) if part is not type(None)]
    return inner[0], True


def nodes(cls: type, pointer: str = "", name: str = "") -> Iterator[Leaf | Section]:
    """Every section and leaf below `cls`, parents first, in the order of the source."""
    for item in dataclasses.fields(cls):
        inner, optional = unwrap(item.type)
        place = f"{pointer}/{item.name}"
        dotted = f"{name}.{item.name}" if name else item.name
        if isinstance(inner, type) and dataclasses.is_dataclass(inner):
            yield Section(place, dotted, item.name, optional, item.metadata["setting"], inner)
            yield from nodes(inner, place, dotted)
        else:
            yield _leaf(item, inner, optional, place, dotted, name)


def leaves(cls: type) -> list[Leaf]:
    """Every leaf field of `cls` (usually `job.JobSpec`) with pointer, dotted name, type and limits."""
    return [node for node in nodes(cls) if isinstance(node, Leaf)]


def sections(cls: type) -> list[Section]:
    """Every nested group of `cls`."""
    return [node for node in nodes(cls) if isinstance(node, Section)]


def default_of(item: "dataclasses.Field[Any]") -> Any:
    """Default value of a field; MISSING where it must be given."""
    if item.default_factory is not MISSING:
        return item.default_factory()
    return item.default


def _leaf(
    item: "dataclasses.Field[Any]", inner: Any, optional: bool, place: str, dotted: str, parent: str
) -> Leaf:
    default = default_of(item)
    return Leaf(
        pointer=place,
        name=dotted,
        section=parent,
        key=item.name,
        kind=KINDS[inner],
        optional=optional,
        required=default is MISSING,
        default=None if default is MISSING else default,
        setting=item.metadata["setting"],
        python_type=inner,
    )
