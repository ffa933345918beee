"""startup/*: a fresh clone, `make run` with empty caches until /readyz answers, its download; then again.

The clone holds what is committed. TORCH=skip, because the trainer's environment is installed after the
portal is up and is no part of the claim.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
READY = re.compile(r"dcportal is ready")
COLD_SECONDS, WARM_SECONDS = 90, 10
LIMIT_SECONDS = 300


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="dcp-bench-startup-"))
    try:
        clone = folder / "clone"
        subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(clone)], check=True)
        before = received_bytes()
        cold = seconds_to_ready(clone, surroundings(folder))
        downloaded = received_bytes() - before
        warm = seconds_to_ready(clone, surroundings(folder))
        disk = sum(file.lstat().st_size for file in (clone / ".venv").rglob("*")) / 1e6
        row("cold", cold, "s", COLD_SECONDS, "quiet; empty pip, uv and npm caches, no prior .venv")
        row("warm", warm, "s", WARM_SECONDS, "quiet; second make run")
        print(f"startup/download | {downloaded / 1e6:.0f} MB | - | - | received by all interfaces meanwhile")
        print(f"startup/disk | {disk:.0f} MB | - | - | size of .venv")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def row(name: str, value: float, unit: str, goal: float, note: str) -> None:
    verdict = "ok" if value <= goal else "short"
    print(f"startup/{name} | {value:.1f} {unit} | <= {goal} {unit} | {verdict} | {note}")


def surroundings(folder: Path) -> dict[str, str]:
    """No caches and none of the caller's settings, a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("DCP_", "MAKE", "MFLAGS"))
    }
    kept.pop("VIRTUAL_ENV", None)
    own = {"DCP_BIND": f"127.0.0.1:{port}", "TORCH": "skip", "PIP_NO_CACHE_DIR": "1"}
    caches = {"UV_CACHE_DIR": str(folder / "uv"), "npm_config_cache": str(folder / "npm")}
    return {**kept, **own, **caches}


def seconds_to_ready(clone: Path, environment: dict[str, str]) -> float:
    """From the command to the printed address; stops it by Ctrl-C afterwards. Raises RuntimeError."""
    started = time.monotonic()
    process = subprocess.Popen(
        ["make", "run"],
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    lines: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if READY.search(line):
                return time.monotonic() - started
            if time.monotonic() - started > LIMIT_SECONDS:
                break
        raise RuntimeError("make run did not become ready:\n" + "".join(lines[-30:]))
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)


def received_bytes() -> int:
    lines = Path("/proc/net/dev").read_text().splitlines()[2:]
    fields = (line.partition(":") for line in lines)
    return sum(int(numbers.split()[0]) for name, _, numbers in fields if name.strip() != "lo")


if __name__ == "__main__":
    sys.exit(main())
