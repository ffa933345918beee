"""Ending an attempt for certain: SIGTERM, grace, SIGKILL of the whole container, then looking again.

A stop is over only when two looks in a row find no process. Until then `control/stop.json` says of each
process when it was signalled and when it was gone; the attempt stays *stopping*, however long a process
in an uninterruptible wait takes.
"""

import contextlib
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.engines.runner import census, folder, processes
from jobs.engines.runner.census import Census
from jobs.engines.runner.containers.base import Container
from jobs.engines.runner.folder import RunFolder
from jobs.engines.runner.processes import Identity, Stat

LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class StopOrder:
    """Why and how gently. `why`: cancelled, preempted, held, time_limit, node_shutdown, left_over, ..."""

    why: str
    grace_seconds: float
    requested_at: str = field(default_factory=folder.now)

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> "StopOrder | None":
        if value is None:
            return None
        try:
            grace = max(0.0, float(value["grace_seconds"]))
            return cls(str(value["why"]), grace, str(value["requested_at"]))
        except (KeyError, TypeError, ValueError):
            return None


class Stop:
    """One stop in progress. Times passed in are monotonic seconds.

    polite: pids that SIGTERM goes to while the program lives; asked again with each look.
    """

    def __init__(
        self,
        files: RunFolder,
        container: Container,
        people: Census,
        order: StopOrder,
        now: float,
        polite: Callable[[], list[int]] = list,
    ) -> None:
        self.order = order
        self.is_over = False
        self._files = files
        self._container = container
        self._census = people
        self._polite = polite
        self._kill_at = now + order.grace_seconds
        self._kill_due_at = _later(order.grace_seconds)
        self._entries: dict[tuple[int, int], dict[str, Any]] = {}
        self._quiet_looks = 0
        self._next_look = now
        self._written: Any = None

    def begin(self) -> None:
        """Note everybody who is there, and send SIGTERM unless there is no grace."""
        left = self._note(self._census.left())
        if self.order.grace_seconds > 0:
            self._ask(left, self._polite())
        self._write()

    def hurry(self, grace_seconds: float, now: float) -> None:
        """Shorten what is left of the grace."""
        if now + grace_seconds < self._kill_at:
            self._kill_at = now + grace_seconds
            self._kill_due_at = _later(grace_seconds)

    def step(self, now: float, main_is_gone: bool) -> None:
        """One look. Kills once the grace is over; sets `is_over` when nobody is left."""
        if now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        left = self._note(self._census.left())
        self._quiet_looks = 0 if left else self._quiet_looks + 1
        self.is_over = self._quiet_looks >= 2 and main_is_gone
        if left and now >= self._kill_at:
            self._kill(left)
        elif left:
            # With the program gone nobody is left to pass the signal on to the others.
            self._ask(left, list(left) if main_is_gone else self._polite())
        self._write()

    def summary(self) -> dict[str, Any]:
        """What stop.json says."""
        return {
            "why": self.order.why,
            "requested_at": self.order.requested_at,
            "grace_seconds": self.order.grace_seconds,
            "kill_due_at": self._kill_due_at,
            "processes": list(self._entries.values()),
        }

    def _ask(self, left: Mapping[int, Stat], pids: Sequence[int]) -> None:
        """SIGTERM, once each, in this order."""
        fresh = self._not_yet(left, "SIGTERM")
        self._signal({pid: fresh[pid] for pid in pids if pid in fresh}, signal.SIGTERM)

    def _kill(self, left: Mapping[int, Stat]) -> None:
        self._container.kill()
        self._mark(self._not_yet(left, "SIGKILL"), signal.SIGKILL)
        processes.kill(self._census.left())
        for pid, stat in left.items():
            self._entries[pid, stat.start_ticks]["note"] = "" if stat.state != "D" else "state D"

    def _note(self, left: dict[int, Stat]) -> dict[int, Stat]:
        """Enter newcomers, and the time at which others were found gone."""
        for pid, stat in left.items():
            key = (pid, stat.start_ticks)
            if key not in self._entries:
                self._entries[key] = {**census.described(pid, stat), "signalled": {}, "gone_at": None}
        here = {(pid, stat.start_ticks) for pid, stat in left.items()}
        for key, entry in self._entries.items():
            if key not in here and entry["gone_at"] is None:
                entry["gone_at"] = folder.now()
        return left

    def _not_yet(self, left: Mapping[int, Stat], name: str) -> dict[int, Stat]:
        return {
            pid: stat
            for pid, stat in left.items()
            if name not in self._entries[pid, stat.start_ticks]["signalled"]
        }

    def _signal(self, targets: Mapping[int, Stat], number: signal.Signals) -> None:
        for pid, stat in targets.items():
            try:
                processes.send(Identity(pid, stat.start_ticks, processes.boot_id()), number)
            except PermissionError:
                self._entries[pid, stat.start_ticks]["note"] = "not permitted to signal"
        self._mark(targets, number)

    def _mark(self, targets: Mapping[int, Stat], number: signal.Signals) -> None:
        for pid, stat in targets.items():
            self._entries[pid, stat.start_ticks]["signalled"][number.name] = folder.now()

    def _write(self) -> None:
        summary = repr(self._entries.values())
        if summary != self._written:
            self._written = summary
            with contextlib.suppress(OSError):  # a full disk must not keep anybody alive
                folder.write_json(self._files.stop, self.summary())


def _later(seconds: float) -> str:
    # A grace of years must not overflow the calendar.
    return (datetime.now(UTC) + timedelta(seconds=min(seconds, 10**9))).isoformat(timespec="milliseconds")
