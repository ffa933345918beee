"""Container by PID namespace: its init dies and the kernel kills everything inside.

Needs no root where user namespaces are open. Members are found by their namespace, or by descent where
/proc hides it.
"""

import contextlib
import os
from typing import Any

from jobs.engines.runner import processes
from jobs.engines.runner.processes import Identity


class NamespaceContainer:
    """The PID namespaces made by the wrappers (bubblewrap or unshare) started for one attempt."""

    level = "namespace"

    def __init__(self, wrappers: list[Identity] | None = None) -> None:
        self._wrappers = wrappers or []

    def enter(self) -> None:
        """Nothing to do before exec: the wrapper makes the namespace."""

    def started(self, pid: int) -> None:
        identity = Identity.of(pid)
        if identity is not None:
            self._wrappers.append(identity)

    def members(self) -> set[int]:
        stats = processes.everything()
        inside: set[int] = set()
        for wrapper in self._wrappers:
            if wrapper.is_alive:
                inside |= {wrapper.pid} | processes.descendants(wrapper.pid, stats)
        return inside | self._by_namespace(inside, stats)

    def kill(self) -> None:
        # The namespace's init first: its death is what kills the rest.
        for wrapper in self._wrappers:
            processes.kill(_children(wrapper.pid) if wrapper.is_alive else ())
        processes.kill(self.members())

    def remove(self) -> None:
        """The kernel frees an empty namespace."""

    def to_json(self) -> dict[str, Any]:
        return {"level": self.level, "wrappers": [wrapper.to_json() for wrapper in self._wrappers]}

    def _by_namespace(self, inside: set[int], stats: dict[int, processes.Stat]) -> set[int]:
        """Others in the same foreign namespaces, e.g. re-parented while we looked."""
        ours = _namespace(os.getpid())
        spaces = {_namespace(pid) for pid in inside} - {None, ours}
        return {pid for pid in stats if _namespace(pid) in spaces} if spaces else set()


def _children(pid: int) -> set[int]:
    return {found.pid for found in processes.everything().values() if found.parent == pid}


def _namespace(pid: int) -> str | None:
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/ns/pid")
    return None
