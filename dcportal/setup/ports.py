"""Is a TCP port free, and if not, who holds it. Reads /proc only: no package is there yet."""

import contextlib
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LISTENING = "0A"


@dataclass(frozen=True)
class Holder:
    """A process that listens on the port; `pid` is None when it belongs to another user."""

    pid: int | None
    command: str

    def __str__(self) -> str:
        return f"{self.command} (pid {self.pid})" if self.pid else "a process of another user"


def can_bind(host: str, port: int) -> OSError | None:
    """None when the address can be listened on, otherwise the system's error."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            return error
    return None


def free_port_after(host: str, port: int) -> int | None:
    """The next port above `port` that can be bound, to offer instead of the taken one."""
    candidates = range(port + 1, min(port + 50, 65536))
    return next((number for number in candidates if can_bind(host, number) is None), None)


def holder_of(port: int) -> Holder | None:
    """The process that listens on `port`, or None when nobody does."""
    inodes = set(listening_inodes(port))
    if not inodes:
        return None
    for pid in processes():
        if inodes & set(socket_inodes(pid)):
            return Holder(pid, command_of(pid))
    return Holder(None, "")


def listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]


def processes() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def socket_inodes(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                target = os.readlink(entry.path)
                if target.startswith("socket:["):
                    yield target[8:-1]


def command_of(pid: int) -> str:
    """The command line, arguments joined, cut to what fits a terminal line."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "unknown"
    return " ".join(word for word in words if word)[:90]
