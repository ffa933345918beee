"""What this machine is: names, processor, memory, kernel. Unknown is None."""

from __future__ import annotations

import os
import socket
import sys
import uuid
from pathlib import Path

import psutil

from monitoring.protocol import AcceleratorFacts, NodeFacts


def read_facts(
    *,
    accelerators: list[AcceleratorFacts],
    driver: str | None,
    cuda: str | None,
    notes: list[str],
    root: Path = Path("/"),
) -> NodeFacts:
    """The facts of this machine; `root` is where /proc and /etc are looked for."""
    system = os.uname()
    return NodeFacts(
        hostname=_clean(socket.gethostname()),
        machine_id=machine_id(root),
        boot_id=boot_id(root),
        cpu_model=_cpu_model(root),
        cores=psutil.cpu_count(logical=False),
        threads=psutil.cpu_count(),
        memory_total_bytes=psutil.virtual_memory().total,
        swap_total_bytes=psutil.swap_memory().total,
        os=_os_name(root),
        kernel=_clean(system.release),
        architecture=_clean(system.machine),
        python=_python(),
        driver=driver,
        cuda=cuda,
        accelerators=accelerators,
        notes=notes,
    )


def boot_id(root: Path = Path("/")) -> str:
    """The kernel's random id of this boot; without one, an id that lasts as long as this process."""
    return _line(root / "proc/sys/kernel/random/boot_id") or _PROCESS_ID


def machine_id(root: Path = Path("/")) -> str:
    """The systemd machine id; without one, the address of a network card."""
    return _line(root / "etc/machine-id") or f"{uuid.getnode():012x}"


_PROCESS_ID = str(uuid.uuid4())


def _cpu_model(root: Path) -> str | None:
    for line in _text(root / "proc/cpuinfo").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model", "cpu model"):
            return _clean(value.strip())
    return None


def _os_name(root: Path) -> str | None:
    for line in _text(root / "etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return _clean(line.partition("=")[2].strip().strip('"'))
    return None


def _python() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _line(path: Path) -> str:
    return _clean(_text(path).strip())


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:255])
