"""What a collector and a node are, and how a slow or failing collector is kept from the others."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, Literal, NamedTuple, Protocol, TypeVar

from monitoring.protocol import ColumnGroup, NodeFacts, Process

log = logging.getLogger("dcportal.agent")

T = TypeVar("T")
Values = list[int | None]
"""Stored integers (catalog scale), None where nothing was read."""


class Happening(NamedTuple):
    """Something to tell ingest as an `Event`; the sampler adds node and times."""

    kind: str
    entity: str = ""
    params: dict[str, str | int | float | None] = {}


class Collector(Protocol):
    """One source of columns. Called by the sampler's thread only."""

    name: str

    def refresh(self, monotonic: float) -> bool:
        """Adopt what changed (hot-plug, a new disk); True when `groups` differs from before."""

    def groups(self) -> list[ColumnGroup]:
        """Columns in order; stable between two refreshes."""

    def read(self, monotonic: float) -> Values:
        """One value per column of `groups`. May raise: see `Paced`."""

    def close(self) -> None:
        """Stop threads, give back handles."""


class Node(Protocol):
    """One node the agent speaks for: this machine, or a made-up one."""

    collector: Literal["real", "simulated"]

    def refresh(self, monotonic: float) -> bool:
        """True when facts or columns changed since the last call (and at the first)."""

    def facts(self) -> NodeFacts:
        """What the node is, as of the last refresh."""

    def groups(self) -> list[ColumnGroup]:
        """All its columns, as of the last refresh."""

    def read(self, monotonic: float) -> Values:
        """One value per column; never raises."""

    def take_happenings(self) -> list[Happening]:
        """What happened since the last call."""

    def take_processes(self) -> list[Process] | None:
        """All processes on its accelerators when that list changed, else None."""

    def close(self) -> None:
        """Stop threads, give back handles."""


def column_count(groups: list[ColumnGroup]) -> int:
    """How many values one read of `groups` has."""
    return sum(len(group.metrics) for group in groups)


class Paced:
    """A collector with a penalty: each failure doubles the ticks it is left out, up to `cap` ticks.

    Slower than `slow_seconds` counts as a failure, though its values are used. While it is left out,
    or when it fails, its columns are None and the other collectors go on.
    """

    def __init__(self, collector: Collector, *, cap: int = 64, slow_seconds: float = 0.5) -> None:
        self.collector = collector
        self._cap, self._slow_seconds = cap, slow_seconds
        self._penalty = 0
        self._left_out = 0

    def refresh(self, monotonic: float) -> bool:
        """Whether the collector's columns changed; False when it cannot tell."""
        try:
            return self.collector.refresh(monotonic)
        except Exception:
            log.exception("%s: cannot look for changes", self.collector.name)
            return False

    def read(self, monotonic: float) -> Values:
        """The collector's values, or None for each of its columns."""
        if self._left_out:
            self._left_out -= 1
            return self._nothing()
        began = time.perf_counter()
        try:
            values = self.collector.read(monotonic)
        except Exception as error:  # the edge of a plug-in: one broken collector must not silence the node
            self._punish(f"{type(error).__name__}: {error}")
            log.debug("%s", self.collector.name, exc_info=True)
            return self._nothing()
        took = time.perf_counter() - began
        if took > self._slow_seconds:
            self._punish(f"took {took:.1f} s")
        else:
            self._penalty = 0
        return values

    def _punish(self, why: str) -> None:
        self._penalty = min(self._cap, self._penalty * 2 or 1)
        self._left_out = self._penalty
        log.warning("%s: %s; left out for %d ticks", self.collector.name, why, self._penalty)

    def _nothing(self) -> Values:
        return [None] * column_count(self.collector.groups())


class Aside(Generic[T]):
    """Runs one function in a thread of its own, so that a driver that hangs cannot hang the sampler."""

    def __init__(self, name: str, function: Callable[[], T]) -> None:
        self._function = function
        self._orders: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[T | None] = queue.SimpleQueue()
        self._pending = 0
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def result(self, seconds: float) -> T | None:
        """The function's result, or None when it takes longer; a late one is thrown away."""
        if self._pending:
            seconds = 0.0
        else:
            self._orders.put(True)
            self._pending += 1
        try:
            found = self._results.get(timeout=seconds) if seconds else self._results.get_nowait()
        except queue.Empty:
            return None
        self._pending -= 1
        return found if seconds else None

    def close(self) -> None:
        """Let the thread end when it is free; a hung one is a daemon and ends with the process."""
        self._orders.put(False)

    def _work(self) -> None:
        while self._orders.get():
            try:
                self._results.put(self._function())
            except Exception:  # the thread must outlive any surprise
                log.exception("%s failed", self._thread.name)
                self._results.put(None)
