"""Which node is the machine that this process runs on."""

from functools import cache
from pathlib import Path

MACHINE_ID_FILES = ("/etc/machine-id", "/var/lib/dbus/machine-id")


@cache
def machine_id() -> str | None:
    """The machine id of this host as systemd or D-Bus keeps it; None where neither does."""
    for name in MACHINE_ID_FILES:
        try:
            text = Path(name).read_text(encoding="ascii", errors="replace").strip()
        except OSError:
            continue
        if text:
            return text
    return None
