"""Which container level this machine offers, found by trying each on a real process.

Called by the local engine, by `manage.py doctor` and by the runner. Nothing is left behind.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.engines.runner.containers import cgroup, mask, unshare
from jobs.engines.runner.containers.cgroup import CgroupContainer

LEVELS = ("cgroup", "namespace", "sweep")


@dataclass(frozen=True, slots=True)
class ContainerProbe:
    """level: best that works here. can_mask: jobs can be kept from seeing the portal's folders. can_unshare:
    jobs can be kept from seeing and signalling other processes.

    missing: why better levels do not work, as codes: `no_cgroup_v2`, `cgroup_not_writable`,
    `no_bubblewrap`, `no_user_namespace`.
    """

    level: str
    can_mask: bool
    can_unshare: bool
    cgroup_parent: Path | None
    limits: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def is_isolated(self) -> bool:
        """False at the lowest level, where only admins may launch."""
        return self.level != "sweep"


def probe(at_most: str | None = None) -> ContainerProbe:
    """Try all levels, or those from `at_most` downwards; takes about 50 ms."""
    parent = cgroup.usable_parent() if at_most in (None, "cgroup") else None
    works = parent is not None and _kills(parent)
    can_mask = _bubblewrap()
    can_unshare = can_mask or _runs(unshare.options())
    level = "cgroup" if works else "namespace" if can_unshare and at_most != "sweep" else "sweep"
    limits = cgroup.enforced(parent) if parent is not None and works else ()
    missing = _missing(works, can_unshare, can_mask)
    return ContainerProbe(level, can_mask, can_unshare, parent if works else None, limits, missing)


def _missing(cgroup_works: bool, can_unshare: bool, can_mask: bool) -> tuple[str, ...]:
    codes = []
    if not cgroup_works:
        has_v2 = any((root / "cgroup.procs").exists() for root in cgroup.ROOTS)
        codes.append("cgroup_not_writable" if has_v2 else "no_cgroup_v2")
    if not can_unshare:
        codes.append("no_user_namespace")
    if not can_mask:
        codes.append("no_bubblewrap")
    return tuple(codes)


def _kills(parent: Path) -> bool:
    """True when a process in a cgroup of ours dies by `cgroup.kill`."""
    try:
        container = CgroupContainer.create(parent, f"dcportal-trial-{os.getpid()}", None)
    except OSError:
        return False
    sleeper = [sys.executable, "-S", "-E", "-c", "import time; time.sleep(30)"]
    process = subprocess.Popen(sleeper)
    try:
        (container.path / "cgroup.procs").write_text(str(process.pid))
    except OSError:
        process.kill()
        process.wait()
        container.remove()
        return False
    return _dies(container, process)


def _dies(container: CgroupContainer, process: subprocess.Popen[bytes]) -> bool:
    container.kill()
    try:
        return process.wait(timeout=5) < 0
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    finally:
        container.remove()


def _bubblewrap() -> bool:
    program = mask.program()
    both = ("--dev-bind", "/", "/", "--unshare-pid", "--proc", "/proc")
    return program is not None and _runs([program, *both])


def _runs(wrapper: Sequence[str] | None) -> bool:
    """True when a program runs inside `wrapper`."""
    if wrapper is None:
        return False
    try:
        done = subprocess.run([*wrapper, "--", "/bin/true"], capture_output=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
