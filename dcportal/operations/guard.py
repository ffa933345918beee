"""What must hold before the portal listens: one instance, a free port, no unprotected public address."""

import fcntl
import os
from pathlib import Path
from typing import IO

from django.conf import settings

from dcportal import env
from dcportal.setup import ports, preflight


class Refused(Exception):
    """The portal does not start; the message names the cause and the setting to change."""


def hold_instance_lock() -> IO[str]:
    """The lock of this data folder, held while the returned file is open. Raises Refused."""
    path = Path(settings.DATA_DIR) / "portal.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    file = open(path, "a+")  # noqa: SIM115 - held for the life of the process
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        raise Refused(f"this data folder is already served by {holder or 'another portal'}") from None
    file.truncate(0)
    return file


def write_holder(file: IO[str], address: str) -> None:
    """Say in the lock who holds it, for the message above."""
    file.seek(0)
    file.truncate()
    file.write(f"pid {os.getpid()} at {address}")
    file.flush()


def refuse_taken_port(host: str, port: int) -> None:
    error = ports.can_bind(host, port)
    if error is not None:
        problem, _, mend = preflight.port_trouble(host, port, error)
        raise Refused(f"{problem}\n{mend}")


def refuse_unprotected(host: str, *, has_user: bool) -> None:
    """A public address needs TLS, own or a proxy's, and somebody who can sign in."""
    if not env.is_public(host):
        return
    if not (has_own_tls() or settings.BEHIND_TLS):
        raise Refused(
            f"DCP_BIND={host} is reachable from outside, and passwords would travel unprotected.\n"
            "Set DCP_TLS_CERTIFICATE and DCP_TLS_KEY, or DCP_PUBLIC_URL=https://... of the proxy in front,\n"
            "or stay on 127.0.0.1 and reach it by ssh -L."
        )
    if not has_user:
        raise Refused(
            f"DCP_BIND={host} is reachable from outside and nobody can sign in yet.\n"
            "Start once on 127.0.0.1 and use the printed link, or: manage.py create_admin"
        )


def has_own_tls() -> bool:
    return bool(env.text("DCP_TLS_CERTIFICATE") and env.text("DCP_TLS_KEY"))
