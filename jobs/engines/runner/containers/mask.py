"""What a job may see of the machine, drawn by bubblewrap: everything but the portal's own folders.

The whole file system stays as it is (devices, data sets, conda prefixes); the portal's program is
read-only, its data and the other jobs' run folders vanish, the attempt's own `work/` is put back. Secrets
and the user's LD_*/PYTHON* go through a file descriptor: not onto a command line, and not to bubblewrap
itself.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# A job started by root keeps root's files but can neither undo the mask nor touch the machine.
_DROPPED = (
    "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "SYS_RAWIO", "SYS_BOOT", "SYS_TIME", "MKNOD", "NET_ADMIN",
    "SYSLOG", "AUDIT_CONTROL", "MAC_ADMIN", "BPF", "PERFMON", "CHECKPOINT_RESTORE",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class View:
    """protected: made read-only. hidden: folders replaced by empty ones. writable, readable: put back on
    top of them. own_processes_only: a PID namespace, so that no process outside can be seen or signalled."""

    protected: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()
    hidden_variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    own_processes_only: bool = False


def program() -> str | None:
    """Path of bubblewrap, None when it is not installed."""
    return shutil.which("bwrap")


def arguments(view: View, cwd: Path) -> list[str]:
    """Options for bubblewrap, in the order in which it applies them."""
    options = ["--dev-bind", "/", "/"]
    if view.own_processes_only:
        options += ["--unshare-pid", "--proc", "/proc"]
    for path in view.protected:
        options += ["--ro-bind", str(path), str(path)]
    for path in _outermost(view.hidden):
        options += ["--tmpfs", str(path)]
    for path in view.writable:
        options += ["--bind", str(path), str(path)]
    for path in view.readable:
        options += ["--ro-bind-try", str(path), str(path)]
    if Path("/sys/fs/cgroup").is_dir():
        options += ["--ro-bind", "/sys/fs/cgroup", "/sys/fs/cgroup"]
    if os.geteuid() == 0:
        options += [word for name in _DROPPED for word in ("--cap-drop", f"CAP_{name}")]
    for name, value in view.hidden_variables.items():
        options += ["--setenv", name, value]
    return [*options, "--die-with-parent", "--chdir", str(cwd)]


def wrapped(bwrap: str, options: Sequence[str], argv: Sequence[str]) -> tuple[list[str], int]:
    """(command, descriptor to pass on) that runs `argv` under `options`, which stay off the command line."""
    fd = os.memfd_create("dcportal-view", os.MFD_CLOEXEC)
    os.write(fd, b"".join(option.encode("utf-8", "surrogateescape") + b"\0" for option in options))
    os.lseek(fd, 0, os.SEEK_SET)
    return [bwrap, "--args", str(fd), "--", *argv], fd


def _outermost(paths: Sequence[Path]) -> list[Path]:
    """Existing folders among `paths` that lie in no other of them."""
    real = sorted({path.resolve() for path in paths if path.is_dir()})
    return [path for path in real if not any(other in path.parents for other in real)]
