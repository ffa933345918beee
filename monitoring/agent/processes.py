"""Who a process is: name, user, cgroup and job tag, read once per (pid, start)."""

from __future__ import annotations

import pwd
from pathlib import Path
from typing import NamedTuple

_ENVIRON_BYTES = 256 * 1024
_CGROUP_CHARACTERS = 4096


class Identity(NamedTuple):
    """What /proc tells about a process; None where it is not ours to read."""

    start_ticks: int | None
    name: str | None
    user: str | None
    cgroup: str | None
    job_tag: str | None


UNKNOWN = Identity(None, None, None, None, None)


class ProcessReader:
    """Identities by pid. A pid that was reused is told apart by its start ticks."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._known: dict[int, Identity] = {}

    def identity(self, pid: int) -> Identity:
        """Who `pid` is now; UNKNOWN when it is gone or in another PID namespace."""
        stat = _read(self._proc / str(pid) / "stat")
        if not stat:
            return UNKNOWN
        name, start_ticks = _name_and_start(stat)
        known = self._known.get(pid)
        if known is None or known.start_ticks != start_ticks:
            known = self._known[pid] = self._look_up(pid, name, start_ticks)
        return known

    def keep_only(self, pids: set[int]) -> None:
        """Forget all others."""
        self._known = {pid: known for pid, known in self._known.items() if pid in pids}

    def _look_up(self, pid: int, name: str | None, start_ticks: int | None) -> Identity:
        folder = self._proc / str(pid)
        return Identity(
            start_ticks,
            name,
            _user(folder),
            _cgroup(_read(folder / "cgroup")),
            _job_tag(_read(folder / "environ")),
        )


def _name_and_start(stat: bytes) -> tuple[str | None, int | None]:
    # "12 (a name) with ) S 1 ...": the name ends at the last ")", start time is field 22
    head, _, tail = stat.rpartition(b")")
    fields = tail.split()
    name = _clean(head.partition(b"(")[2])
    return name, int(fields[19]) if len(fields) > 19 and fields[19].isdigit() else None


def _user(folder: Path) -> str | None:
    try:
        uid = folder.stat().st_uid
    except OSError:
        return None
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _cgroup(text: bytes) -> str | None:
    """The cgroup v2 path, or the longest v1 path."""
    paths = [line.split(b":", 2) for line in text.splitlines()]
    unified = [parts[2] for parts in paths if len(parts) == 3 and parts[0] == b"0"]
    every = unified or [parts[2] for parts in paths if len(parts) == 3]
    return _clean(max(every, key=len), _CGROUP_CHARACTERS) if every else None


def _job_tag(environ: bytes) -> str | None:
    variables = dict(entry.split(b"=", 1) for entry in environ.split(b"\0") if b"=" in entry)
    job, attempt = variables.get(b"DCP_JOB_ID"), variables.get(b"DCP_ATTEMPT")
    return _clean(job + b"." + attempt) if job and attempt else None


def _clean(text: bytes, length: int = 255) -> str:
    decoded = text.decode(errors="replace")[:length]
    return "".join(c if c.isprintable() else "?" for c in decoded)


def _read(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_ENVIRON_BYTES)
    except OSError:
        return b""
