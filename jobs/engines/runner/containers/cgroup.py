"""Container by control group v2: `cgroup.kill` ends every member at once, daemons included [M: 0.02 s]."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jobs.engines.runner import processes

ROOTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))
FOLDER = "dcportal-jobs"


class CgroupContainer:
    """A cgroup of its own. Memory and process limits apply where the controllers are handed down."""

    level = "cgroup"

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, parent: Path, name: str, memory_bytes: int | None) -> "CgroupContainer":
        """Make the cgroup `name` below `parent`. Raises OSError."""
        _hand_down(parent)
        container = cls(parent / name)
        container.path.mkdir(exist_ok=True)
        if memory_bytes is not None:
            container._limit("memory.max", memory_bytes)
            container._limit("memory.swap.max", 0)
            container._limit("memory.oom.group", 1)
        return container

    def enter(self) -> None:
        (self.path / "cgroup.procs").write_text("0")

    def started(self, pid: int) -> None:
        """Nothing to note: children inherit the cgroup."""

    def members(self) -> set[int]:
        return {pid for group in self._groups() for pid in _pids(group)}

    def kill(self) -> None:
        try:
            (self.path / "cgroup.kill").write_text("1")
        except OSError:  # kernels before 5.14
            processes.kill(self.members())

    def remove(self) -> None:
        # The kernel lets go of an emptied cgroup a moment after its last process was reaped.
        deadline = time.monotonic() + 0.5
        while not self._removed() and time.monotonic() < deadline:
            time.sleep(0.005)

    def _removed(self) -> bool:
        try:
            for group in sorted(self._groups(), key=lambda path: len(path.parts), reverse=True):
                group.rmdir()
        except OSError:
            return False
        return True

    def oom_kills(self) -> int:
        """How many members the kernel killed for memory; 0 where it does not count."""
        with contextlib.suppress(OSError, ValueError):
            for line in (self.path / "memory.events").read_text().splitlines():
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
        return 0

    def to_json(self) -> dict[str, Any]:
        return {"level": self.level, "path": str(self.path)}

    def _groups(self) -> Iterator[Path]:
        """This cgroup and those the job made below it."""
        for folder, _, _ in os.walk(self.path):
            yield Path(folder)

    def _limit(self, name: str, value: int) -> None:
        with contextlib.suppress(OSError):
            (self.path / name).write_text(str(value))


def usable_parent() -> Path | None:
    """Where job cgroups can be made: below our own one, or below the root when we are root."""
    for root in ROOTS:
        if not (root / "cgroup.procs").exists():
            continue
        for parent in (own_group(root), root / FOLDER):
            if parent is not None and _can_make(parent):
                return parent
    return None


def own_group(root: Path) -> Path | None:
    """The cgroup this process is in, None when that is the root."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, _, path = line.split(":", 2)
        if number == "0" and path not in ("/", "") and ".." not in path:
            return root / path.lstrip("/")
    return None


def enforced(parent: Path) -> tuple[str, ...]:
    """Limits that hold in cgroups below `parent`: `memory`, `processes`."""
    try:
        controllers = (parent / "cgroup.subtree_control").read_text().split()
    except OSError:
        return ()
    names = {"memory": "memory", "pids": "processes"}
    return tuple(ours for theirs, ours in names.items() if theirs in controllers)


def _can_make(parent: Path) -> bool:
    """Try it: permission bits do not tell (delegation, read-only mounts in containers)."""
    trial = parent / f"dcportal-probe-{os.getpid()}"
    try:
        parent.mkdir(exist_ok=True)
        _hand_down(parent)
        trial.mkdir()
    except OSError:
        return False
    usable = os.access(trial / "cgroup.procs", os.W_OK) and (trial / "cgroup.kill").exists()
    trial.rmdir()
    return usable


def _hand_down(parent: Path) -> None:
    """Let child groups have memory and process limits, where we may and none of our own stand in the way."""
    for controller in ("memory", "pids"):
        with contextlib.suppress(OSError):
            (parent / "cgroup.subtree_control").write_text(f"+{controller}")


def _pids(group: Path) -> list[int]:
    try:
        # 0 stands for a process outside our pid namespace.
        return [int(line) for line in (group / "cgroup.procs").read_text().split() if line != "0"]
    except OSError:
        return []
