"""The last three minutes of every node in memory: what live pages read and what blocks are cut from.

Written by the event loop (one row per sample), read by the writer thread (sealing) and by queries; each ring
has its own lock. Rows are scaled int64, MISSING where a reading is absent.
"""

import threading
from dataclasses import dataclass

import numpy as np

from monitoring.store.codec import MISSING
from monitoring.store.layout import Layout

WINDOW_SECONDS = 120
SLOTS = 240  # the window, plus two minutes for a minute to end, wait for stragglers and be sealed


@dataclass(frozen=True, slots=True)
class Displaced:
    """A row that has to be stored another way: its second and its values."""

    second: int
    row: np.ndarray


class NodeRing:
    """Readings of one node under one layout and boot; seconds < `sealed_before` are already in blocks."""

    def __init__(self, node: str, boot: str, layout: Layout, sealed_before: int = 0) -> None:
        self.node, self.boot, self.layout = node, boot, layout
        self.sealed_before = sealed_before
        self.newest = 0
        self.duplicates = 0
        self.skew_milliseconds = 0
        self._lock = threading.Lock()
        self._seconds = np.full(SLOTS, -1, dtype=np.int64)
        self._rows = np.full((SLOTS, len(layout.columns)), MISSING, dtype=np.int64)

    def write(self, second: int, row: np.ndarray) -> Displaced | None:
        """Keep `row`. Returns what the caller must store instead: the row itself when it is too old, or the
        unsealed row whose slot it took after a jump of the clock."""
        with self._lock:
            if second < self.sealed_before or second <= self.newest - WINDOW_SECONDS:
                return Displaced(second, row)
            slot = second % SLOTS
            held = int(self._seconds[slot])
            displaced = None
            if held == second:
                self.duplicates += 1
            elif held >= self.sealed_before and held >= 0:
                displaced = Displaced(held, self._rows[slot].copy())
            self._seconds[slot] = second
            self._rows[slot] = row
            self.newest = max(self.newest, second)
            return displaced

    def read(self, start: int, end: int, columns: list[int] | None = None) -> np.ndarray:
        """int64 (columns, end - start) of the seconds [start, end); MISSING where the ring holds nothing."""
        wanted = slice(None) if columns is None else columns
        with self._lock:
            found = np.nonzero((self._seconds >= start) & (self._seconds < end))[0]
            values = self._rows[found][:, wanted]
            seconds = self._seconds[found]
        out = np.full((values.shape[1], end - start), MISSING, dtype=np.int64)
        out[:, seconds - start] = values.T
        return out

    def latest(self) -> tuple[int, np.ndarray] | None:
        """The newest second and its row, None before the first sample."""
        with self._lock:
            return (self.newest, self._rows[self.newest % SLOTS].copy()) if self.newest else None

    def unsealed(self, end: int) -> bool:
        """Whether `seal(end)` would cut anything."""
        with self._lock:
            return bool(self._unsealed(end).any())

    def _unsealed(self, end: int) -> np.ndarray:
        return (self._seconds >= self.sealed_before) & (self._seconds < end) & (self._seconds >= 0)

    def seal(self, end: int) -> tuple[int, np.ndarray, int] | None:
        """Everything unsealed before `end` as (first minute, (columns, seconds) matrix, duplicates).

        Rows for those seconds are displaced from here on. None when there is nothing to seal."""
        with self._lock:
            held = self._seconds[
                (self._seconds >= self.sealed_before) & (self._seconds < end) & (self._seconds >= 0)
            ]
            self.sealed_before = max(self.sealed_before, end)
            duplicates, self.duplicates = self.duplicates, 0
        if not held.size:
            return None
        start = int(held.min()) // 60 * 60
        # Whole minutes: rows of the last one that are not sealed yet are merged in again later.
        return start, self.read(start, -(-end // 60) * 60), duplicates
