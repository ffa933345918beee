"""Closed files: one immutable SQLite file per UTC day (raw, minute rollups) or month (hour rollups).

A span can have several parts (`2026-11-22.0`, `.1`): readings that arrive after the file was closed go into a
further part, which holds whole hours and so replaces the older ones on reading. Retention unlinks files.
"""

import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitoring.store.base import HOUR, ROLLUP_HOUR, ROLLUP_MINUTE
from monitoring.store.schema import create_closed, open_closed

FOLDERS = {HOUR: "raw", ROLLUP_MINUTE: "minute", ROLLUP_HOUR: "hour"}
_FORMATS = {HOUR: "%Y-%m-%d", ROLLUP_MINUTE: "%Y-%m-%d", ROLLUP_HOUR: "%Y-%m"}
_COLUMNS = "node, start, layout, boot, body"


def span_name(table: str, second: int) -> str:
    """The name of the span that `second` falls into, such as 2026-11-22."""
    return datetime.fromtimestamp(second, UTC).strftime(_FORMATS[table])


def span_bounds(table: str, name: str) -> tuple[int, int]:
    """First second of a span and of the one after it."""
    start = datetime.strptime(name, _FORMATS[table]).replace(tzinfo=UTC)
    following = start + timedelta(days=1 if table != ROLLUP_HOUR else 32)
    if table == ROLLUP_HOUR:
        following = following.replace(day=1)
    return int(start.timestamp()), int(following.timestamp())


class Shelf:
    """The closed files of one table below a folder."""

    def __init__(self, root: Path, table: str) -> None:
        self.table = table
        self.folder = root / FOLDERS[table]
        self._select = f"SELECT {_COLUMNS} FROM {table} WHERE node=? AND start>=? AND start<? ORDER BY start"

    def parts(self, start: int, end: int) -> list[Path]:
        """Files of the spans that touch [start, end), oldest part first."""
        found = [(name, part, path) for name, part, path in self._all() if self._touches(name, start, end)]
        return [path for _, _, path in sorted(found)]

    def rows(self, node: str, start: int, end: int) -> Iterator[tuple[str, int, bytes, str, bytes]]:
        """Rows of `node` that start in [start, end), older parts before newer ones."""
        for path in self.parts(start, end):
            connection = open_closed(path)
            try:
                yield from connection.execute(self._select, (node, start, end))
            finally:
                connection.close()

    def shelve(self, hot: sqlite3.Connection, name: str) -> Iterator[None]:
        """Move the rows of a span from the hot file into a new part, in slices."""
        start, end = span_bounds(self.table, name)
        final = self.folder / f"{name}.{len(self.parts(start, end - 1))}.sqlite3"
        draft = final.with_suffix(".part")
        closed = create_closed(draft, self.table)
        try:
            yield from self._copy(hot, closed, start, end)
            copied = closed.execute(f"SELECT EXISTS (SELECT 1 FROM {self.table})").fetchone()[0]
        finally:
            closed.close()
        if copied:
            _publish(draft, final)
        else:
            draft.unlink()
        yield from self._delete(hot, start, end)

    def _copy(
        self, hot: sqlite3.Connection, closed: sqlite3.Connection, start: int, end: int
    ) -> Iterator[None]:
        for (node,) in hot.execute(
            f"SELECT DISTINCT node FROM {self.table} WHERE start>=? AND start<?", (start, end)
        ).fetchall():
            rows = hot.execute(self._select, (node, start, end))
            # After a crash between publishing and deleting, the rows are on the shelf already.
            shelved = {row[:4]: row[4] for row in self.rows(node, start, end)}
            fresh = (row for row in rows if shelved.get(row[:4]) != row[4])
            closed.executemany(f"INSERT INTO {self.table} ({_COLUMNS}) VALUES (?,?,?,?,?)", fresh)
            yield

    def _delete(self, hot: sqlite3.Connection, start: int, end: int) -> Iterator[None]:
        """In small transactions, so that samples never wait for it."""
        while hot.execute(
            f"DELETE FROM {self.table} WHERE rowid IN "
            f"(SELECT rowid FROM {self.table} WHERE start>=? AND start<? LIMIT 200)",
            (start, end),
        ).rowcount:
            yield

    def drop_before(self, second: int) -> list[Path]:
        """Unlink every file whose span ended before `second`."""
        gone = [path for name, _, path in self._all() if span_bounds(self.table, name)[1] <= second]
        for path in gone:
            path.unlink(missing_ok=True)
        return gone

    def sweep(self) -> None:
        """Remove drafts that a crash left behind."""
        for draft in self.folder.glob("*.part"):
            draft.unlink()

    def _all(self) -> Iterator[tuple[str, int, Path]]:
        for path in self.folder.glob("*.sqlite3"):
            name, _, part = path.stem.rpartition(".")
            if part.isdigit() and name:
                yield name, int(part), path

    def _touches(self, name: str, start: int, end: int) -> bool:
        first, following = span_bounds(self.table, name)
        return first < end and start < following


def _publish(draft: Path, final: Path) -> None:
    for path in (draft, draft.parent):
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
    os.replace(draft, final)
    handle = os.open(final.parent, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)
