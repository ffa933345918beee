"""The writing half: ring, journal and sealing. Exactly one process holds it (see `holder`).

The event loop calls `write`, which never blocks; one thread journals, acknowledges, seals minutes into blocks
and packs. A row is acknowledged only after fdatasync.
"""

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from monitoring.store.backfill import Backfill, minute_block
from monitoring.store.base import StoredBlock
from monitoring.store.blocks import BlockKey
from monitoring.store.codec import MISSING
from monitoring.store.journal import Journal, SampleRecord, layout_record, sample_record
from monitoring.store.layout import Layout
from monitoring.store.ring import NodeRing
from monitoring.store.sqlite import SqliteStore

logger = logging.getLogger(__name__)

LINGER_SECONDS = 0.05  # rows that arrive meanwhile share one fdatasync
SEAL_EVERY_SECONDS = 5.0
STRAGGLER_SECONDS = 10  # a minute is sealed this long after its end ...
SILENCE_SECONDS = 15.0  # ... or when its node has said nothing for this long
MAINTAIN_EVERY_SECONDS = 60.0
SLICE_SECONDS = 0.03

Receipt = Callable[[bool], None]
Deliver = Callable[[list[Receipt], bool], None]


@dataclass(slots=True)
class Counts:
    """What happened since the start; shown by health checks and /metrics."""

    samples: int = 0
    late: int = 0
    duplicates: int = 0
    replayed: int = 0
    torn_bytes: int = 0
    sync_failures: int = 0
    seal_failures: int = 0
    blocks: int = 0


class Recorder:
    """Ring, journal and sealing over a `SqliteStore` in the same folder.

    `deliver(receipts, durable)` is called by the writer thread after each sync; ingest passes it on to its
    loop, where each receipt is called with `durable`.
    """

    def __init__(
        self, root: Path, store: SqliteStore, clock: Callable[[], datetime], deliver: Deliver
    ) -> None:
        self.store, self.counts = store, Counts()
        self._clock, self._deliver = clock, deliver
        self._journal = Journal(root / "journal")
        self._backfill = Backfill()
        self._rings: dict[str, NodeRing] = {}
        self._retired: list[NodeRing] = []
        self._touched: dict[str, float] = {}
        self._lock = threading.Lock()
        self._pending: list[tuple[bytes, str, int, Receipt | None]] = []
        self._layouts: dict[tuple[str, bytes], Layout] = {}
        self._unsaved: list[StoredBlock] = []
        self._sealing: dict[str, int] = {}
        self._sealed: dict[str, int] = {}
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="dcp-telemetry-writer", daemon=True)

    # called by the event loop

    def open(self) -> None:
        """Bring back what the journal holds and start the writer thread. Blocks: call it off the loop."""
        for record in self._journal.replay():
            if isinstance(record, SampleRecord):
                self._replay(record)
            else:
                node, layout = record
                self._layouts[node, layout.id] = layout
        self.store.remember(self._layouts)
        self.counts.torn_bytes = self._journal.torn_bytes
        self._thread.start()

    def close(self) -> None:
        """Journal what is pending and stop the thread; open minutes stay in the journal."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._journal.rotate()

    def announce(self, node: str, layout: Layout) -> None:
        """Register a layout before its first sample."""
        if (node, layout.id) not in self._layouts:
            self._layouts[node, layout.id] = layout
            self._queue(layout_record(node, layout), node, 0, None)

    def write(self, record: SampleRecord, receipt: Receipt | None = None) -> None:
        """Take one row of an announced layout; `receipt(durable)` is delivered after the sync."""
        layout = self._layouts[record.node, record.layout]
        self._place(record, layout)
        self.counts.samples += 1
        # Memory first, journal second: a seal round relies on it (everything journalled is in memory).
        self._queue(sample_record(record), record.node, record.second, receipt)

    def backlog(self) -> int:
        """Rows that wait for the journal."""
        return len(self._pending)

    def ring(self, node: str) -> NodeRing | None:
        """The ring of a node's newest samples."""
        return self._rings.get(node)

    def nodes(self) -> list[str]:
        return list(self._rings)

    def forget(self, node: str) -> None:
        """Drop a removed node's ring from the live view; what is unsealed still becomes blocks."""
        ring = self._rings.pop(node, None)
        if ring is not None:
            self._retire(ring)

    # placing rows

    def _place(self, record: SampleRecord, layout: Layout) -> None:
        self._touched[record.node] = time.monotonic()
        ring = self._current_ring(record, layout)
        if ring is None:
            self.counts.late += 1
            self._backfill.add(record.node, record.boot, layout, record.second, record.row)
            return
        ring.skew_milliseconds = record.skew_milliseconds
        displaced = ring.write(record.second, record.row)
        if displaced is not None:
            self.counts.late += displaced.second == record.second
            self._backfill.add(record.node, record.boot, layout, displaced.second, displaced.row)

    def _current_ring(self, record: SampleRecord, layout: Layout) -> NodeRing | None:
        """The node's ring when the row belongs to it; a newer boot or layout starts a ring of its own."""
        ring = self._rings.get(record.node)
        if ring is not None and (ring.boot, ring.layout.id) == (record.boot, record.layout):
            return ring
        if ring is not None and record.second <= ring.newest:
            return None
        if ring is not None:
            self._retire(ring)
        ring = self._rings[record.node] = NodeRing(record.node, record.boot, layout)
        return ring

    def _retire(self, ring: NodeRing) -> None:
        with self._lock:
            self._retired.append(ring)

    def _replay(self, record: SampleRecord) -> None:
        layout = self._layouts.get((record.node, record.layout)) or self.store.layout(record.layout)
        self._layouts[record.node, record.layout] = layout
        self._place(record, layout)
        self.counts.replayed += 1

    def _queue(self, data: bytes, node: str, second: int, receipt: Receipt | None) -> None:
        with self._lock:
            self._pending.append((data, node, second, receipt))
        if not self._wake.is_set():  # setting it again costs 4 us
            self._wake.set()

    # the writer thread

    def _run(self) -> None:
        next_seal = time.monotonic() + SEAL_EVERY_SECONDS
        next_maintenance, slices = time.monotonic() + 1.0, self._maintenance()
        while not self._stop.is_set():
            if self._wake.wait(0.5):
                self._stop.wait(LINGER_SECONDS)
            self.sync()
            if time.monotonic() >= next_seal:
                self.seal()
                next_seal = time.monotonic() + SEAL_EVERY_SECONDS
            if time.monotonic() >= next_maintenance and not _advance(slices):
                next_maintenance = time.monotonic() + MAINTAIN_EVERY_SECONDS
                slices = self._maintenance()
        self.sync()
        self.store.close()

    def sync(self) -> None:
        """Journal everything pending, then deliver the receipts."""
        self._wake.clear()
        with self._lock:
            pending, self._pending = self._pending, []
        if not pending:
            return
        newest: dict[str, int] = {}
        for _, node, second, _ in pending:
            newest[node] = max(second, newest.get(node, 0))
        durable = self._journal_all([data for data, *_ in pending], newest)
        if not durable:
            self._keep_layouts(pending)
        elif any(second == 0 for _, _, second, _ in pending):
            self._remember()
        receipts = [receipt for *_, receipt in pending if receipt is not None]
        if receipts:
            self._deliver(receipts, durable)

    def _journal_all(self, records: list[bytes], newest: dict[str, int]) -> bool:
        try:
            self._journal.append(records, newest)
        except OSError as error:
            self.counts.sync_failures += 1
            logger.error("telemetry journal cannot be written, nothing is acknowledged: %s", error)
            return False
        return True

    def _remember(self) -> None:
        """Make new layouts known to readers; sealing tries again if the file is busy or the disk full."""
        with contextlib.suppress(sqlite3.Error):
            self.store.remember(self._layouts)

    def _keep_layouts(self, pending: list[tuple[bytes, str, int, Receipt | None]]) -> None:
        """Layout records are announced once, so they wait for the next sync."""
        with self._lock:
            self._pending[:0] = [entry for entry in pending if entry[2] == 0]

    def seal(self, everything: bool = False) -> None:
        """Cut ended minutes into blocks, store them, then let go of the journal that held them."""
        if not self._due(everything):
            return
        self._journal.rotate()
        self._unsaved += self._cut(everything) + self._backfill.take()
        try:
            self.store.remember(self._layouts)
            self.store.put_minutes(self._unsaved)
        except sqlite3.Error as error:
            self.counts.seal_failures += 1
            logger.error("telemetry blocks cannot be stored, they stay in the journal: %s", error)
            return
        self.counts.blocks += len(self._unsaved)
        self._unsaved = []
        self._sealed.update(self._sealing)
        self._journal.forget(self._sealed)

    def _due(self, everything: bool) -> bool:
        if self._retired or self._unsaved or self._backfill:
            return True
        return any(ring.unsealed(self._seal_end(ring, everything)) for ring in list(self._rings.values()))

    def _seal_end(self, ring: NodeRing, everything: bool) -> int:
        silent = time.monotonic() - self._touched.get(ring.node, 0.0) > SILENCE_SECONDS
        whole = everything or silent
        return ring.newest + 1 if whole else (ring.newest - STRAGGLER_SECONDS) // 60 * 60

    def _cut(self, everything: bool) -> list[StoredBlock]:
        with self._lock:
            retired, self._retired = self._retired, []
        blocks = []
        for ring in retired:
            blocks += self._cut_ring(ring, ring.newest + 1)
        for ring in list(self._rings.values()):
            blocks += self._cut_ring(ring, self._seal_end(ring, everything))
        return blocks

    def _cut_ring(self, ring: NodeRing, end: int) -> list[StoredBlock]:
        cut = ring.seal(end)
        self._sealing[ring.node] = max(end, self._sealing.get(ring.node, 0))
        if cut is None:
            return []
        start, values, duplicates = cut
        self.counts.duplicates += duplicates
        blocks = []
        for at in range(0, values.shape[1], 60):
            part = values[:, at : at + 60]
            if (part != MISSING).any():
                key = BlockKey(ring.node, start + at, ring.layout.id, ring.boot)
                blocks.append(minute_block(key, ring.layout, part, ring.skew_milliseconds, duplicates))
                duplicates = 0
        return blocks

    def _maintenance(self) -> Iterator[None]:
        try:
            yield from self.store.maintain(self._clock())
        except (sqlite3.Error, OSError) as error:
            logger.error("telemetry maintenance stopped, it is tried again: %s", error)


def _advance(slices: Iterator[None]) -> bool:
    """Work for one slice of time; False when nothing is left to do."""
    deadline = time.monotonic() + SLICE_SECONDS
    return any(time.monotonic() > deadline for _ in slices)
