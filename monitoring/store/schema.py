"""The tables of the SQLite backend and how its files are opened."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LAYOUT_VERSION = 1
"""Version of the file layout, in `PRAGMA user_version` of every file."""

TABLES = ("minute", "hour", "rollup_minute", "rollup_hour")

_BLOCKS = """
CREATE TABLE IF NOT EXISTS {table} (
    node TEXT NOT NULL, start INTEGER NOT NULL, layout BLOB NOT NULL, boot TEXT NOT NULL, body BLOB NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS {table}_key ON {table} (node, start, layout, boot);
"""

_REGISTRY = """
CREATE TABLE IF NOT EXISTS layout (id BLOB PRIMARY KEY, columns TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS home (
    node TEXT NOT NULL, layout BLOB NOT NULL, PRIMARY KEY (node, layout)) WITHOUT ROWID;
"""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; takes the write lock at once."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # a full disk rolls back by itself
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


class NewerFiles(RuntimeError):
    """The telemetry files were written by a newer version of the portal."""


def open_hot(path: Path) -> sqlite3.Connection:
    """The writer's connection; creates the file and its tables."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=20, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # a segment of the journal is deleted after a commit
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > LAYOUT_VERSION:
        raise NewerFiles(f"{path} has layout {version}, this program knows {LAYOUT_VERSION}")
    connection.executescript(_REGISTRY + "".join(_BLOCKS.format(table=table) for table in TABLES))
    connection.execute(f"PRAGMA user_version={LAYOUT_VERSION}")
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection | None:
    """A read-only connection to the hot file, None while it does not exist."""
    if not path.exists():
        return None
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=20, check_same_thread=False)


def open_closed(path: Path) -> sqlite3.Connection:
    """An immutable file of a day or month: no locks, no side files."""
    return sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)


def create_closed(path: Path, table: str) -> sqlite3.Connection:
    """A new file for one closed span, under its temporary name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=OFF")
    connection.execute("PRAGMA synchronous=OFF")  # synced as a whole before it gets its name
    connection.executescript(_BLOCKS.format(table=table))
    connection.execute(f"PRAGMA user_version={LAYOUT_VERSION}")
    return connection
