"""The SQLite backend: `hot.sqlite3` for what is open, the shelf for closed days and months."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from monitoring.store import packing
from monitoring.store.base import (
    HOUR,
    MINUTE,
    ROLLUP_HOUR,
    ROLLUP_MINUTE,
    SPAN_SECONDS,
    Retention,
    StoredBlock,
)
from monitoring.store.blocks import BlockKey, merge
from monitoring.store.layout import Layout, UnknownLayout
from monitoring.store.schema import open_for_reading, open_hot, transaction
from monitoring.store.shelf import Shelf, span_bounds, span_name

HOUR_GRACE_SECONDS = 120
SHELF_GRACE_SECONDS = 2 * 3600
_PUT = (
    "INSERT INTO {table} (node, start, layout, boot, body) VALUES (?,?,?,?,?) "
    "ON CONFLICT (node, start, layout, boot) DO UPDATE SET body=excluded.body"
)
_KEYED = "node=? AND start=? AND layout=? AND boot=?"


class SqliteStore:
    """BlockStore in one folder. Pass `writable=False` in processes that only read.

    The writing side belongs to one thread; readers may be many, each thread with a connection of its own.
    """

    def __init__(self, root: Path, writable: bool = True, retention: Retention | None = None) -> None:
        self.root, self.retention = root, retention or Retention()
        self.path = root / "hot.sqlite3"
        self.shelves = {table: Shelf(root, table) for table in (HOUR, ROLLUP_MINUTE, ROLLUP_HOUR)}
        self._hot = open_hot(self.path) if writable else None
        self._readers = threading.local()
        self._layouts: dict[bytes, Layout] = {}
        self._remembered: set[tuple[str, bytes]] = set()
        for shelf in self.shelves.values() if writable else ():
            shelf.sweep()

    @property
    def hot(self) -> sqlite3.Connection:
        if self._hot is None:
            raise RuntimeError("this telemetry store was opened for reading only")
        return self._hot

    def remember(self, pairs: Mapping[tuple[str, bytes], Layout]) -> None:
        fresh = {pair: layout for pair, layout in dict(pairs).items() if pair not in self._remembered}
        if not fresh:
            return
        with transaction(self.hot):
            layouts = [(layout.id, layout.to_json()) for layout in fresh.values()]
            self.hot.executemany("INSERT OR IGNORE INTO layout VALUES (?,?)", layouts)
            self.hot.executemany("INSERT OR IGNORE INTO home VALUES (?,?)", list(fresh))
        self._layouts.update({layout.id: layout for layout in fresh.values()})
        self._remembered.update(fresh)

    def layout(self, layout_id: bytes) -> Layout:
        if layout_id not in self._layouts:
            rows = self._read("SELECT columns FROM layout WHERE id=?", (layout_id,))
            if not rows:
                raise UnknownLayout(layout_id.hex())
            self._layouts[layout_id] = Layout.from_json(rows[0][0])
        return self._layouts[layout_id]

    def homes(self) -> dict[str, set[bytes]]:
        found: dict[str, set[bytes]] = {}
        for node, layout in self._read("SELECT node, layout FROM home", ()):
            found.setdefault(node, set()).add(layout)
        return found

    def put_minutes(self, blocks: Iterable[StoredBlock]) -> None:
        with transaction(self.hot):
            for block in blocks:
                self._put_merged(block)

    def _put_merged(self, block: StoredBlock) -> None:
        key, body = block.key, block.body
        held = self.hot.execute(f"SELECT body FROM minute WHERE {_KEYED}", _as_row(key)).fetchone()
        if held:
            body = merge(held[0], body, self.layout(key.layout))
        self.put(MINUTE, StoredBlock(key, body))

    def put(self, table: str, block: StoredBlock) -> None:
        """Store a block in place of the one with its key."""
        self.hot.execute(_PUT.format(table=table), (*_as_row(block.key), block.body))

    def blocks(self, table: str, node: str, start: int, end: int) -> Iterator[StoredBlock]:
        earliest = start - SPAN_SECONDS[table] + 1
        if table in self.shelves:
            for row in self.shelves[table].rows(node, earliest, end):
                yield _as_block(row)
        query = f"SELECT node, start, layout, boot, body FROM {table} WHERE node=? AND start>=? AND start<?"
        for row in self._read(f"{query} ORDER BY start", (node, earliest, end)):
            yield _as_block(row)

    def find(self, table: str, key: BlockKey) -> bytes | None:
        """The newest version of the block with that key, wherever it lies."""
        found = [b.body for b in self.blocks(table, key.node, key.start, key.start + 1) if b.key == key]
        return found[-1] if found else None

    def maintain(self, now: datetime) -> Iterator[None]:
        second = int(now.timestamp())
        yield from packing.pack_hours(self, (second - HOUR_GRACE_SECONDS) // 3600 * 3600)
        for table, shelf in self.shelves.items():
            for name in self._finished_spans(table, second - SHELF_GRACE_SECONDS):
                yield from shelf.shelve(self.hot, name)
        self.drop_old(second)

    def drop_old(self, second: int) -> list[Path]:
        """Unlink files beyond the retention; returns them."""
        days = {HOUR: self.retention.raw_days, ROLLUP_MINUTE: self.retention.minute_days}
        days[ROLLUP_HOUR] = self.retention.hour_days
        return [
            path for t, shelf in self.shelves.items() for path in shelf.drop_before(second - days[t] * 86400)
        ]

    def _finished_spans(self, table: str, second: int) -> list[str]:
        starts = self.hot.execute(f"SELECT DISTINCT start FROM {table} WHERE start<?", (second,)).fetchall()
        names = sorted({span_name(table, start) for (start,) in starts})
        return [name for name in names if span_bounds(table, name)[1] <= second]

    def close(self) -> None:
        if self._hot is not None:
            self._hot.close()
        reader = getattr(self._readers, "connection", None)
        if reader is not None:
            reader.close()

    def _read(self, query: str, parameters: tuple[object, ...]) -> list[tuple]:
        connection = getattr(self._readers, "connection", None)
        if connection is None:
            connection = self._readers.connection = open_for_reading(self.path)
        return connection.execute(query, parameters).fetchall() if connection is not None else []


def _as_row(key: BlockKey) -> tuple[str, int, bytes, str]:
    return key.node, key.start, key.layout, key.boot


def _as_block(row: tuple[str, int, bytes, str, bytes]) -> StoredBlock:
    return StoredBlock(BlockKey(*row[:4]), row[4])
