"""Rows that no ring can hold: replays after an outage, stragglers, an earlier boot or layout."""

import threading

import numpy as np

from monitoring.store.base import StoredBlock
from monitoring.store.blocks import BlockHead, BlockKey, pack
from monitoring.store.codec import MISSING
from monitoring.store.layout import Layout


class Backfill:
    """Minutes under construction, by block key. Filled by the event loop, emptied by the writer thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minutes: dict[BlockKey, tuple[Layout, np.ndarray]] = {}

    def add(self, node: str, boot: str, layout: Layout, second: int, row: np.ndarray) -> None:
        """Keep `row` until the next `take`; the last of two rows of one second wins."""
        key = BlockKey(node, second // 60 * 60, layout.id, boot)
        with self._lock:
            if key not in self._minutes:
                self._minutes[key] = layout, np.full((len(layout.columns), 60), MISSING, dtype=np.int64)
            self._minutes[key][1][:, second % 60] = row

    def __bool__(self) -> bool:
        return bool(self._minutes)

    def take(self) -> list[StoredBlock]:
        """All minutes as blocks; the backfill is empty afterwards."""
        with self._lock:
            minutes, self._minutes = self._minutes, {}
        return [minute_block(key, layout, values) for key, (layout, values) in minutes.items()]


def minute_block(
    key: BlockKey, layout: Layout, values: np.ndarray, skew_milliseconds: int = 0, duplicates: int = 0
) -> StoredBlock:
    """The block of one minute's (columns, 60) readings."""
    head = BlockHead(key, step=1, slots=60, skew_milliseconds=skew_milliseconds, duplicates=duplicates)
    return StoredBlock(key, pack(head, values[None], layout))
