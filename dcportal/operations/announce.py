"""The lines that `make run` ends with: address, one-time sign-in link, and the way in over SSH."""

import getpass
import os
import ssl
import time
import urllib.request
from collections.abc import Mapping

from dcportal.operations.guard import has_own_tls


def address_of(host: str, port: int) -> str:
    """What to type into a browser on this machine."""
    scheme = "https" if has_own_tls() else "http"
    shown = "127.0.0.1" if host in {"0.0.0.0", "::", "localhost"} else host
    return f"{scheme}://{f'[{shown}]' if ':' in shown else shown}:{port}"


def is_ready(address: str) -> bool:
    """True when /readyz answers 200: the database is there and migrated."""
    # Our own process on this machine: no proxy in between, and its certificate need not name 127.0.0.1.
    direct = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl._create_unverified_context()),
    )
    try:
        with direct.open(f"{address}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def ssh_line(port: int, environment: Mapping[str, str] = os.environ) -> str | None:
    """The `ssh -L` line for somebody who sits at the other end of this SSH session, else None.

    SSH_CONNECTION holds: client address, client port, server address, server port.
    """
    words = environment.get("SSH_CONNECTION", "").split()
    if len(words) != 4:
        return None
    server, server_port = words[2], words[3]
    other_port = "" if server_port == "22" else f"-p {server_port} "
    return f"ssh -L {port}:127.0.0.1:{port} {other_port}{getpass.getuser()}@{server}"


def lines(address: str, port: int, link: str | None, started: float) -> list[str]:
    """`started`: monotonic time of the start, to say how long it took."""
    tunnel = ssh_line(port)
    return [
        "",
        f"dcportal is ready after {time.monotonic() - started:.1f} s",
        f"  address   {address}/",
        *([f"  sign in   {link}   (once, within 24 hours)"] if link else []),
        *([f"  from your computer: {tunnel}", "  then open the same address there"] if tunnel else []),
        "  stop      Ctrl-C (running jobs go on)",
        "",
    ]
