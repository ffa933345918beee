"""Layouts: which column of a sample means what. Pure; shared by ring, journal, blocks and queries.

A layout is the ordered list of columns a node announced in its hello. Its id is a hash of that list, so the
same hardware announces the same id for ever and a stored block can always be read again.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

import numpy as np

GAUGE = "gauge"
COUNTER = "counter"


class UnknownLayout(LookupError):
    """A block names a layout that the registry has never seen."""


@dataclass(frozen=True, slots=True)
class Column:
    """One series of a node: stored integer = round(value * scale), a scale never changes for a metric id."""

    entity: str
    metric: str
    scale: int
    dtype: str = "i8"
    kind: str = GAUGE


@dataclass(frozen=True)
class Layout:
    """Ordered columns of one node; `id` is 8 bytes, equal for equal columns."""

    columns: tuple[Column, ...]

    @cached_property
    def id(self) -> bytes:
        return hashlib.blake2b(self.to_json().encode(), digest_size=8).digest()

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(column.metric for column in self.columns))

    @cached_property
    def groups(self) -> tuple[np.ndarray, ...]:
        """Column positions of each metric, in the order of `metrics`: one compressed frame each."""
        positions: dict[str, list[int]] = {metric: [] for metric in self.metrics}
        for position, column in enumerate(self.columns):
            positions[column.metric].append(position)
        return tuple(np.array(found, dtype=np.int64) for found in positions.values())

    @cached_property
    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each column: the number of its group, and its row inside the group."""
        group_of, row_of = np.zeros((2, len(self.columns)), dtype=np.int64)
        for number, group in enumerate(self.groups):
            group_of[group], row_of[group] = number, np.arange(len(group))
        return group_of, row_of

    @cached_property
    def counters(self) -> np.ndarray:
        return np.array([column.kind == COUNTER for column in self.columns], dtype=bool)

    def to_json(self) -> str:
        rows = [[c.entity, c.metric, c.scale, c.dtype, c.kind] for c in self.columns]
        return json.dumps(rows, separators=(",", ":"), ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> "Layout":
        return cls(tuple(Column(*row) for row in json.loads(text)))
