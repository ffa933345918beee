"""Writes event lines of one rank to `<folder>/<rank>.jsonl`, each by one `os.write`.

A crash tears at most the last line. At 64 MiB the file is renamed to `<rank>.1.jsonl`, later ones to
`<rank>.2.jsonl` and so on (oldest first), and begun anew. Standard library only.
"""

from __future__ import annotations

import os
import threading
import time

from trainer.events import FILE_BYTES, STEP_LINES_A_SECOND, VERSION, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class EventWriter:
    """Appends the lines of one rank. Safe to call from several threads; never raises for a full disk."""

    def __init__(
        self,
        folder: str,
        rank: int = 0,
        restart: int = 0,
        *,
        file_bytes: int = FILE_BYTES,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rank, self.restart = rank, restart
        self.step_done = 0
        self.lost_lines = 0
        self._path = os.path.join(folder, f"{rank}.jsonl")
        self._file_bytes = file_bytes
        self._clock, self._monotonic = clock, monotonic
        self._lock = threading.RLock()
        self._seq = 0
        self._pending: PendingSteps | None = None
        self._next_step_line = 0.0
        os.makedirs(folder, exist_ok=True)
        self._descriptor, self._written = _open_whole(self._path)

    def write(self, kind: str, **data: object) -> None:
        """Append one line of `kind`; steps that wait for their turn are written before it."""
        with self._lock:
            if kind != "heartbeat":
                self.flush()
            self._append(kind, data)

    def step(self, first: int, last: int, metrics: dict, **data: object) -> None:
        """Report steps `first`..`last` (counted from 1) with the means of `metrics` over them.

        At most ten lines a second are written; what comes faster is merged, weighted by steps.
        """
        with self._lock:
            self.step_done = last
            if self._pending is None:
                self._pending = PendingSteps(first)
            self._pending.add(first, last, metrics, data)
            self.flush_due()

    def flush_due(self) -> None:
        """Write waiting steps if their turn has come."""
        with self._lock:
            if self._pending is not None and self._monotonic() >= self._next_step_line:
                self.flush()

    def flush(self) -> None:
        """Write waiting steps now."""
        with self._lock:
            pending, self._pending = self._pending, None
            if pending is not None:
                self._next_step_line = self._monotonic() + 1 / STEP_LINES_A_SECOND
                self._append("step", pending.line())

    def close(self) -> None:
        """Write what waits and close the file; later lines are dropped."""
        with self._lock:
            self.flush()
            if self._descriptor >= 0:
                os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, kind: str, data: dict) -> None:
        line = self._line(kind, data)
        try:
            if self._written + len(line) > self._file_bytes and self._written:
                self._rotate()
            os.write(self._descriptor, line)
        except OSError:
            self.lost_lines += 1
        else:
            self._seq += 1
            self._written += len(line)

    def _line(self, kind: str, data: dict) -> bytes:
        head = {
            "v": VERSION,
            "seq": self._seq,
            "t": round(self._clock(), 3),
            "mono": round(self._monotonic(), 3),
            "rank": self.rank,
            "restart": self.restart,
            "kind": kind,
        }
        if self.lost_lines:
            head["lost_lines"] = self.lost_lines
        return encode(head, data)

    def _rotate(self) -> None:
        number = 1
        stem = self._path.removesuffix(".jsonl")
        while os.path.exists(f"{stem}.{number}.jsonl"):
            number += 1
        os.rename(self._path, f"{stem}.{number}.jsonl")
        os.close(self._descriptor)
        self._descriptor, self._written = _open_whole(self._path)


class PendingSteps:
    """Steps that came faster than lines may be written, merged into one."""

    def __init__(self, first: int) -> None:
        self.first = self.last = first
        self.data: dict = {}
        self._sums: dict = {}
        self._counts: dict = {}

    def add(self, first: int, last: int, metrics: dict, data: dict) -> None:
        """Merge one report; what is no metric keeps its newest value."""
        steps = max(1, last - first + 1)
        self.last = last
        self.data = data
        for name, value in metrics.items():
            if value is not None:
                self._sums[name] = self._sums.get(name, 0.0) + value * steps
                self._counts[name] = self._counts.get(name, 0) + steps

    def line(self) -> dict:
        """Fields of the step line."""
        metrics = {name: total / self._counts[name] for name, total in self._sums.items()}
        return {"step_from": self.first, "step_to": self.last, **self.data, "metrics": metrics}


def _open_whole(path: str) -> tuple[int, int]:
    """Open for appending; a torn last line of an earlier process is closed with a newline first."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        size += os.write(descriptor, b"\n")
    return descriptor, size
