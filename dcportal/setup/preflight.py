"""What must be on the machine before anything is installed. Prints one apt line for all that is missing."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from dcportal import env
from dcportal.setup import places, ports

# Measured on 2026-11-22: `.venv` 0.5 GiB, front-end and static files 0.1; the rest lasts for days.
PORTAL_BYTES = 1 * places.GIB


@dataclass(frozen=True)
class Finding:
    """Something that stops the start: what is wrong, and the apt packages or the sentence that mends it."""

    problem: str
    packages: tuple[str, ...] = ()
    mend: str = ""


Check = Callable[[], Finding | None]


def git_is_there() -> Finding | None:
    if shutil.which("git"):
        return None
    return Finding("git is not installed (jobs fetch their code with it)", packages=("git",))


def venv_is_there() -> Finding | None:
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        return None
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    return Finding(f"Python's venv module is not installed for {sys.executable}", packages=(package,))


def disk_has_room() -> Finding | None:
    for place in (places.REPOSITORY, env.data_dir()):
        free = shutil.disk_usage(places.existing_ancestor(place)).free
        if free < PORTAL_BYTES and not places.python_of(places.PORTAL_VENV).exists():
            return Finding(
                f"{free / places.GIB:.1f} GiB free at {place}, {PORTAL_BYTES / places.GIB:.0f} GiB needed",
                mend="Free some space, or set DCP_DATA_DIR to a larger local disk.",
            )
    return None


def data_folder_is_writable() -> Finding | None:
    mend = "Set DCP_DATA_DIR to a folder of yours."
    place = places.existing_ancestor(env.data_dir())
    if not os.access(place, os.W_OK):
        return Finding(f"{place} is not writable", mend=mend)
    try:
        places.setup_dir().mkdir(parents=True, exist_ok=True)
    except OSError as error:  # /proc, a file in the way, a name too long
        return Finding(f"cannot make the data folder {env.data_dir()}: {error.strerror}", mend=mend)
    return None


def port_is_free() -> Finding | None:
    host, port = env.bind()
    error = ports.can_bind(host, port)
    return None if error is None else Finding(*port_trouble(host, port, error))


def port_trouble(host: str, port: int, error: OSError) -> tuple[str, tuple[str, ...], str]:
    """The finding's fields for an address that cannot be bound: who holds it, which setting to change."""
    holder = ports.holder_of(port)
    if holder is None:
        return f"cannot listen on {host}:{port}: {error.strerror}", (), "Set DCP_BIND to another address."
    other = ports.free_port_after(host, port)
    mend = f"Stop it, or choose another port: DCP_BIND={host}:{other} make run"
    return f"port {port} is taken by {holder}", (), mend


CHECKS: tuple[Check, ...] = (
    git_is_there,
    venv_is_there,
    data_folder_is_writable,
    disk_has_room,
    port_is_free,
)


def findings(checks: Iterable[Check] = CHECKS) -> list[Finding]:
    return [finding for check in checks if (finding := check()) is not None]


def message(found: list[Finding], is_root: bool) -> str:
    """All findings, then ONE apt line for the packages of all of them, then the other remedies."""
    lines = [f"  - {finding.problem}" for finding in found]
    packages = [package for finding in found for package in finding.packages]
    if packages:
        lines += ["Install what is missing:", f"    {apt_line(packages, is_root)}"]
    return "\n".join([*lines, *(finding.mend for finding in found if finding.mend)])


def apt_line(packages: list[str], is_root: bool) -> str:
    command = f"apt-get install -y {' '.join(packages)}"
    return command if is_root else f"sudo {command}"


def filesystem_of(path: Path, mounts: str | None = None) -> str:
    """Type of the file system that holds `path` (`ext4`, `nfs4`, ...), from the longest matching mount."""
    table = mounts if mounts is not None else Path("/proc/self/mounts").read_text()
    best, kind = "", "unknown"
    for line in table.splitlines():
        _, mount, found, *_ = line.split(" ")
        mount = mount.replace("\\040", " ")
        if path.is_relative_to(mount) and len(mount) >= len(best):
            best, kind = mount, found
    return kind


NETWORK_FILESYSTEMS = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "fuse.sshfs",
        "9p",
        "lustre",
        "ceph",
        "glusterfs",
        "beegfs",
        "gpfs",
    }
)
