"""Adds one field to a spec dataclass for the length of a test, as a developer would in the source."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

WRITTEN_BY_DATACLASS = (
    "__init__", "__repr__", "__eq__", "__hash__", "__setattr__", "__delattr__", "__match_args__",
    "__replace__", "__dataclass_params__",
)  # fmt: skip


@contextlib.contextmanager
def field_added(cls: type, name: str, annotation: Any, setting: Any) -> Iterator[None]:
    """`name: annotation = setting` stands in `cls` inside the block."""
    before = {item.name: item for item in dataclasses.fields(cls)}
    cls.__annotations__[name] = annotation
    _write_again(cls, before | {name: setting})
    try:
        yield
    finally:
        del cls.__annotations__[name]
        _write_again(cls, before)
        delattr(cls, name)


def _write_again(cls: type, items: dict[str, Any]) -> None:
    for written in WRITTEN_BY_DATACLASS:
        if written in vars(cls):
            delattr(cls, written)
    for name, item in items.items():
        setattr(cls, name, item)
    dataclasses.dataclass(frozen=True)(cls)
