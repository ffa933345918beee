"""Waiting for the next tick: at most a second, less when somebody else writes to the database.

Only speed: a change that goes unnoticed is seen by the next tick all the same.
"""

import sqlite3
import threading
import time

from django.db import connection

POLL_SECONDS = 1.0
LOOK_SECONDS = 0.2


class Alarm:
    """Sleeps until the database changed or a second has passed. `stop` ends any sleep."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._watch: sqlite3.Connection | None = None
        if connection.vendor == "sqlite":
            self._watch = sqlite3.connect(str(connection.settings_dict["NAME"]), check_same_thread=False)

    def sleep(self) -> None:
        """Return at the next change, after a second, or when stopped."""
        until = time.monotonic() + POLL_SECONDS
        before = self._version()
        while not self._stop.wait(LOOK_SECONDS) and time.monotonic() < until:
            if self._version() != before:
                return

    def _version(self) -> int | None:
        if self._watch is None:
            return None
        try:
            return int(self._watch.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error:
            return None

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()
