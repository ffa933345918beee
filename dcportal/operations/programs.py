"""The programs that make up a portal on one machine, as command lines for the supervisor."""

import os
import sys
from pathlib import Path

from django.conf import settings

from dcportal import env
from dcportal.operations.supervision import Program
from dcportal.setup import places

SOCKET_FRAME_BYTES = 256 * 1024
DEMO_FLEET = "16x8"  # nodes x GPUs


def log_of(name: str) -> Path:
    return Path(settings.DATA_DIR) / "log" / f"{name}.log"


def web(host: str, port: int) -> Program:
    """One worker: the ring and the hub live in its memory. Deflate off, small frames [M: design.md 7]."""
    command = [
        *(sys.executable, "-m", "uvicorn", "dcportal.asgi:application"),
        *("--host", host, "--port", str(port), "--workers", "1", "--loop", "uvloop"),
        *("--ws", "websockets-sansio", "--ws-max-size", str(SOCKET_FRAME_BYTES)),
        *("--ws-per-message-deflate", "false", "--no-server-header", "--no-access-log"),
        *("--timeout-graceful-shutdown", "5", "--log-level", "info"),
        *proxy_options(),
        *tls_options(),
    ]
    return Program("web", command, log_of("web"))


def proxy_options() -> list[str]:
    """Believe X-Forwarded-* only from the proxies that DCP_TRUSTED_PROXIES names."""
    trusted = env.names("DCP_TRUSTED_PROXIES")
    return (
        ["--proxy-headers", "--forwarded-allow-ips", ",".join(trusted)] if trusted else ["--no-proxy-headers"]
    )


def tls_options() -> list[str]:
    certificate, key = env.text("DCP_TLS_CERTIFICATE"), env.text("DCP_TLS_KEY")
    return ["--ssl-certfile", certificate, "--ssl-keyfile", key] if certificate and key else []


def scheduler(*options: str) -> Program:
    return Program("scheduler", [sys.executable, "manage.py", "run_scheduler", *options], log_of("scheduler"))


def agent(address: str, token_file: Path) -> Program:
    """The agent of this very host; it reads its token from a file, never from a command line."""
    return Program("agent", agent_command(address, token_file), log_of("agent"))


def demo_hall(address: str) -> Program:
    """The made-up fleet, from the moment the demo button stores its token until it is removed."""
    token_file = Path(settings.DATA_DIR) / "demo/token"
    command = [*agent_command(address, token_file), "--simulate", DEMO_FLEET]
    return Program("demo hall", command, log_of("demo-hall"), while_exists=token_file)


def agent_command(address: str, token_file: Path) -> list[str]:
    socket = f"{address.replace('http', 'ws', 1)}/ws/agent/"
    return [
        *(sys.executable, "-m", "monitoring.agent", "--url", socket),
        *("--token-file", str(token_file), "--data-dir", str(token_file.parent)),
        *(("--ca-file", env.text("DCP_TLS_CERTIFICATE")) if tls_options() else ()),
    ]


def trainer_installer() -> Program:
    """Installs `.venv-trainer` while the portal is up; niced, because people are already looking at pages."""
    command = ["nice", "-n", "10", sys.executable, "-u", "-m", "dcportal.setup", "trainer"]
    surroundings = {"TORCH": os.environ.get("TORCH", "auto")}
    return Program("trainer's environment", command, log_of("trainer-setup"), surroundings, kept=False)


def runs_from_checkout() -> None:
    """Every command above names files relative to the repository."""
    os.chdir(places.REPOSITORY)
