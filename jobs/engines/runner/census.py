"""Who is left of an attempt, and whom a polite stop addresses.

Left = members of the container plus every process on the machine that carries the attempt's tag in its
environment, without zombies and without the runner's own processes.
"""

import os
import signal
from collections.abc import Iterable

from jobs.engines.runner import processes
from jobs.engines.runner.containers.base import Container
from jobs.engines.runner.processes import Identity, Stat

SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "fish"})
_WRAPPERS = frozenset({"bwrap", "unshare", "dcp-init"})


class Census:
    """Counts the processes of one attempt. `own` are pids of the runner and its helpers."""

    def __init__(self, container: Container, tag_variables: dict[str, str], own: Iterable[int] = ()) -> None:
        self._container = container
        self._tag = tag_variables
        self._own = {os.getpid(), *own}

    def inside(self) -> dict[int, Stat]:
        """Living members of the container: cheap, for the regular snapshot."""
        return self._living(self._container.members())

    def left(self) -> dict[int, Stat]:
        """Everything that is left, anywhere on the machine."""
        stats = processes.everything()
        return self._living(self._container.members() | processes.tagged(self._tag, stats))

    def _living(self, pids: Iterable[int]) -> dict[int, Stat]:
        found = {pid: processes.stat(pid) for pid in pids if pid not in self._own}
        return {pid: stat for pid, stat in found.items() if stat is not None and not stat.is_gone}


def addressees(main_pid: int) -> list[int]:
    """Whom SIGTERM goes to now: the program itself, or what runs below wrappers and shells.

    A launcher passes the signal on to its ranks, and a second one would reach helpers (data loaders)
    that the ranks still need to save a checkpoint. A shell passes nothing on, and would die at once and
    take the namespace along: it gets the signal itself only when it handles it or runs nothing. Ask again
    while the stop lasts, as a shell may go on to its next command. Parents stand before children: the end
    of a child may end a shell before its own handler was called.
    """
    stats = {pid: stat for pid, stat in processes.everything().items() if not stat.is_gone}
    found: list[int] = []
    todo = [main_pid]
    for pid in todo:
        command = stats[pid].command if pid in stats else ""
        below = [stat.pid for stat in stats.values() if stat.parent == pid]
        if command in _WRAPPERS | SHELLS:
            todo.extend(below)
        if command not in _WRAPPERS | SHELLS or (command in SHELLS and _takes_term(pid, below)):
            found.append(pid)
    return found


def _takes_term(pid: int, below: list[int]) -> bool:
    return not below or processes.catches(pid, signal.SIGTERM)


def described(pid: int, stat: Stat) -> dict[str, object]:
    """What state and stop files say of a process."""
    return {
        "pid": pid,
        "start_ticks": stat.start_ticks,
        "name": processes.name(pid),
        "rank": None if stat.command in _WRAPPERS else processes.rank(pid),
    }


def is_alive(entry: dict[str, object]) -> bool:
    """True while the described process is there, zombies excluded."""
    identity = Identity.from_json({**entry, "boot_id": processes.boot_id()})
    return identity is not None and identity.is_alive
