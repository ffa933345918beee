"""Which node is the machine that this process runs on."""

import uuid
from functools import cache
from pathlib import Path

MACHINE_ID = Path("/etc/machine-id")


@cache
def machine_id() -> str:
    """What this host's agent calls its machine: systemd's id, else the address of a network card."""
    try:
        found = MACHINE_ID.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        found = ""
    return found or f"{uuid.getnode():012x}"
