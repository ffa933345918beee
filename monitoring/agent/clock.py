"""The two clocks of a sample: one that never jumps and the one people read."""

from __future__ import annotations

import threading
import time

_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while the machine sleeps


class Clock:
    """Seconds since boot, seconds since 1970, and waiting. Tests pass one that they move by hand."""

    def monotonic(self) -> float:
        """Seconds since boot; never goes back."""
        return time.clock_gettime(_BOOT_CLOCK)

    def wall(self) -> float:
        """Unix time in seconds, as this node believes it."""
        return time.time()

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait up to `seconds` or until `stop` is set; True when it is set."""
        return stop.wait(max(0.0, seconds))


class ClockWatch:
    """Notices when the wall clock was set: its distance from the boot clock changed."""

    def __init__(self, tolerance_seconds: float = 2.0) -> None:
        self._tolerance_seconds = tolerance_seconds
        self._distance: float | None = None

    def jump_seconds(self, monotonic: float, wall: float) -> float | None:
        """How far the wall clock jumped since the last call, None when it did not."""
        distance = wall - monotonic
        jumped = 0.0 if self._distance is None else distance - self._distance
        self._distance = distance
        return jumped if abs(jumped) > self._tolerance_seconds else None
