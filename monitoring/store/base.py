"""What a telemetry backend promises; SQLite is one, a PostgreSQL one can come beside it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from monitoring.store.blocks import BlockKey
from monitoring.store.layout import Layout

MINUTE, HOUR, ROLLUP_MINUTE, ROLLUP_HOUR = "minute", "hour", "rollup_minute", "rollup_hour"

SPAN_SECONDS = {MINUTE: 60, HOUR: 3600, ROLLUP_MINUTE: 3600, ROLLUP_HOUR: 86400}
"""How much time one block of a table covers."""

STEP_SECONDS = {MINUTE: 1, HOUR: 1, ROLLUP_MINUTE: 60, ROLLUP_HOUR: 3600}
"""Time between two slots of a block of a table."""


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """A block as it lies in a table."""

    key: BlockKey
    body: bytes


@dataclass(frozen=True, slots=True)
class Retention:
    """How long each resolution is kept, in days."""

    raw_days: int = 14
    minute_days: int = 90
    hour_days: int = 5 * 366


class BlockStore(Protocol):
    """Blocks by table, node and time, and the registry of layouts. One writer, many readers."""

    def remember(self, pairs: Mapping[tuple[str, bytes], Layout]) -> None:
        """Record which node uses which layout, by (node, layout id); known pairs cost nothing."""
        ...

    def layout(self, layout_id: bytes) -> Layout:
        """Raises UnknownLayout."""
        ...

    def homes(self) -> dict[str, set[bytes]]:
        """Layout ids that each node has ever used."""
        ...

    def put_minutes(self, blocks: Iterable[StoredBlock]) -> None:
        """Store minute blocks durably in one transaction, merged into equal keys."""
        ...

    def blocks(self, table: str, node: str, start: int, end: int) -> Iterator[StoredBlock]:
        """Blocks of `node` that touch [start, end), older versions of a span before newer ones."""
        ...

    def maintain(self, now: datetime) -> Iterator[None]:
        """Pack hours, close days, drop what is too old, in slices: one slice per step of the iterator."""
        ...

    def close(self) -> None: ...
