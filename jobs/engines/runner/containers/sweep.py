"""The lowest level: no kernel container. Members are what descends from the runner, a sub-reaper.

A process can leave it only by outliving the runner with its environment wiped; that is why only admins
may launch where nothing better works.
"""

import os
from typing import Any

from jobs.engines.runner import processes
from jobs.engines.runner.processes import Identity


class SweepContainer:
    """Everything below `runner`, except the runner's own helpers."""

    level = "sweep"

    def __init__(self, runner: Identity | None = None, helpers: set[int] | None = None) -> None:
        self._runner = runner or Identity.of(os.getpid())
        self._helpers = helpers or set()

    def enter(self) -> None:
        """Descent is membership."""

    def started(self, pid: int) -> None:
        """Descent is membership."""

    def spare(self, pid: int) -> None:
        """`pid` is a helper of the runner, not of the job."""
        self._helpers.add(pid)

    def members(self) -> set[int]:
        if self._runner is None or not self._runner.is_alive:
            return set()
        return processes.descendants(self._runner.pid, processes.everything()) - self._helpers

    def kill(self) -> None:
        processes.kill(self.members())

    def remove(self) -> None:
        """Nothing is held."""

    def to_json(self) -> dict[str, Any]:
        runner = self._runner.to_json() if self._runner else None
        return {"level": self.level, "runner": runner, "helpers": sorted(self._helpers)}
