"""What a runner tells the outside while it works: state, heartbeat and log counts, as files."""

import contextlib
import os
from typing import Any

from jobs.engines.runner import folder
from jobs.engines.runner.folder import RunFolder
from jobs.engines.runner.logstore import LogCounts

HEARTBEAT_SECONDS = 2.0


class Recorder:
    """Writes files only when they changed. A full disk costs news, never the attempt."""

    def __init__(self, files: RunFolder) -> None:
        self._files = files
        self._state: dict[str, Any] = {"phase": "claimed", "phases": {}, "processes": []}
        self._counts: tuple[Any, ...] = ()
        self._next_beat = 0.0

    @property
    def started_at(self) -> str | None:
        return self._state["phases"].get("running")

    def phase(self, name: str, **facts: Any) -> None:
        """Enter phase `name`: preparing, launching, running, stopping."""
        self._state["phases"].setdefault(name, folder.now())
        self.note(phase=name, **facts)

    def note(self, **facts: Any) -> None:
        """Add facts to state.json."""
        merged = {**self._state, **facts}
        if merged != self._state or "phase" in facts:
            self._state = merged
            with contextlib.suppress(OSError):
                folder.write_json(self._files.state, {**merged, "started_at": self.started_at})

    def beat(self, now: float, counts: LogCounts) -> None:
        """Touch the heartbeat, and write the log's counts when they moved."""
        if now < self._next_beat:
            return
        self._next_beat = now + HEARTBEAT_SECONDS
        with contextlib.suppress(OSError):
            self._files.heartbeat.touch()
            os.utime(self._files.heartbeat)
        self.log_counts(counts)

    def log_counts(self, counts: LogCounts) -> None:
        seen = (counts.stored_bytes, counts.dropped_bytes, counts.rotated_bytes, counts.is_disk_full)
        if seen != self._counts:
            self._counts = seen
            names = ("stored_bytes", "dropped_bytes", "rotated_bytes", "is_disk_full")
            with contextlib.suppress(OSError):
                folder.write_json(self._files.log_counts, dict(zip(names, seen, strict=True)))
