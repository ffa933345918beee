"""Processes as /proc shows them: identity, descent, environment tags, and signals that cannot miss.

A process is named by pid, start ticks and boot id; a pid alone may have been reused. Zombies count as
gone: they hold neither memory nor an accelerator. Linux only, stdlib only.
"""

import contextlib
import ctypes
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PROC = Path("/proc")
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Stat:
    """One line of /proc/<pid>/stat, as far as we need it."""

    pid: int
    parent: int
    state: str
    start_ticks: int
    command: str

    @property
    def is_gone(self) -> bool:
        return self.state in "ZXx"


@dataclass(frozen=True, slots=True)
class Identity:
    """One process of one boot of this machine."""

    pid: int
    start_ticks: int
    boot_id: str

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """Identity of the process that has this pid now, None when there is none."""
        found = stat(pid)
        return None if found is None else cls(pid, found.start_ticks, boot_id())

    @classmethod
    def from_json(cls, value: Any) -> "Identity | None":
        try:
            return cls(int(value["pid"]), int(value["start_ticks"]), str(value["boot_id"]))
        except (TypeError, KeyError, ValueError):
            return None

    def to_json(self) -> dict[str, Any]:
        return {"pid": self.pid, "start_ticks": self.start_ticks, "boot_id": self.boot_id}

    @property
    def is_alive(self) -> bool:
        found = stat(self.pid)
        same = found is not None and found.start_ticks == self.start_ticks and self.boot_id == boot_id()
        return found is not None and same and not found.is_gone


@cache
def boot_id() -> str:
    """Changes at each boot of the machine."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def stat(pid: int) -> Stat | None:
    """The process with this pid, zombie or not; None when there is none."""
    try:
        text = (PROC / str(pid) / "stat").read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
    return _parsed(pid, text)


def _parsed(pid: int, text: str) -> Stat:
    # The command stands in brackets and may hold brackets and blanks itself.
    command = text[text.index("(") + 1 : text.rindex(")")]
    fields = text[text.rindex(")") + 2 :].split()
    return Stat(pid, int(fields[1]), fields[0], int(fields[19]), command)


def everything() -> dict[int, Stat]:
    """Every process of the machine that this process can see, by pid."""
    pids = (int(name) for name in os.listdir(PROC) if name.isdigit())
    return {pid: found for pid in pids if (found := stat(pid)) is not None}


def descendants(pid: int, stats: dict[int, Stat]) -> set[int]:
    """All processes below `pid`, without itself."""
    children: dict[int, list[int]] = {}
    for found in stats.values():
        children.setdefault(found.parent, []).append(found.pid)
    below: set[int] = set()
    todo = [pid]
    while todo:
        fresh = set(children.get(todo.pop(), ())) - below
        below |= fresh
        todo.extend(fresh)
    return below


def environment(pid: int) -> dict[bytes, bytes]:
    """Environment the process was started with; empty when gone or not ours to read."""
    try:
        raw = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return {}
    return dict(item.partition(b"=")[::2] for item in raw.split(b"\0") if b"=" in item)


def tagged(variables: dict[str, str], pids: Iterable[int]) -> set[int]:
    """Those of `pids` whose environment holds every one of `variables`."""
    wanted = [f"{name}={value}".encode() for name, value in variables.items()]
    return {pid for pid in pids if _carries(pid, wanted)}


def _carries(pid: int, wanted: list[bytes]) -> bool:
    try:
        raw = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False
    # Most processes carry nothing of ours; the substring test spares splitting their environment.
    return all(item in raw for item in wanted) and set(wanted) <= set(raw.split(b"\0"))


def name(pid: int, limit: int = 80) -> str:
    """Program and first arguments, for people: `python train.py --lr 0.1`."""
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        words = []
    if not words or not words[0]:
        found = stat(pid)
        return found.command if found else "?"
    shown = " ".join([os.path.basename(words[0]), *words[1:]]).strip()
    return "".join(char if char.isprintable() else "?" for char in shown)[:limit]


def rank(pid: int) -> int | None:
    """RANK in the environment of the process, None when it has none."""
    value = environment(pid).get(b"RANK", b"")
    return int(value) if value.isdigit() and len(value) < 6 else None


def catches(pid: int, number: int) -> bool:
    """True when the process has a handler of its own for this signal."""
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return False
    mask = next((line.split()[1] for line in lines if line.startswith("SigCgt:")), "0")
    return bool(int(mask, 16) >> (number - 1) & 1)


def send(identity: Identity, number: int) -> bool:
    """Signal exactly this process, never one that took over its pid. False when it is gone.

    Raises PermissionError when it is not ours to signal.
    """
    try:
        fd = os.pidfd_open(identity.pid)
    except OSError:
        return False
    try:
        if not identity.is_alive:
            return False
        signal.pidfd_send_signal(fd, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(fd)
    return True


def kill(pids: Iterable[int]) -> None:
    """SIGKILL each of `pids` that still is the process it was a moment ago."""
    for pid in pids:
        identity = Identity.of(pid)
        if identity is not None:
            with contextlib.suppress(PermissionError):
                send(identity, signal.SIGKILL)


def become_subreaper() -> bool:
    """Make orphans below this process its children instead of init's."""
    return ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
