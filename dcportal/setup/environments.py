"""Creates and fills a virtual environment: pip brings uv, uv installs in seconds, pip alone is the way back.

Idempotent: a stamp beside the interpreter holds the fingerprint of what was installed. A killed install
leaves no stamp, so the next call continues.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from dcportal.setup import places

UV_VERSION = "0.13.9"


class InstallFailed(Exception):
    """pip itself failed; its last lines are the message."""


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Two `make` at the same time take turns."""
    places.setup_dir().mkdir(parents=True, exist_ok=True)
    with open(places.setup_dir() / "environments.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def ensure(venv: Path, requirements: Sequence[Path]) -> bool:
    """Make `venv` hold exactly the pins of `requirements`; True when something had to be installed."""
    with only_one():
        stamp = stamp_of(venv, requirements)
        if stamp.exists() and works(venv):
            return False
        if not works(venv):
            create(venv)
        for stale in venv.glob("dcportal-*.stamp"):
            stale.unlink()
        install(venv, requirements)
        for count in range(1, len(requirements) + 1):
            stamp_of(venv, requirements[:count]).touch()
        return True


def add(venv: Path, requirements: Path) -> bool:
    """Add test tools to an environment that exists, by plain pip: it holds torch, which uv must not touch."""
    stamp = stamp_of(venv, [requirements])
    if stamp.exists():
        return False
    run(pip(venv, "install", "--quiet", "-r", str(requirements)))
    stamp.touch()
    return True


def stamp_of(venv: Path, requirements: Sequence[Path]) -> Path:
    return venv / f"dcportal-{places.fingerprint(*requirements)[:16]}.stamp"


def works(venv: Path) -> bool:
    """Its interpreter starts: not after the system's Python was upgraded away or a copy was moved."""
    python = places.python_of(venv)
    return python.exists() and subprocess.run([python, "-c", ""], capture_output=True).returncode == 0


def create(venv: Path) -> None:
    shutil.rmtree(venv, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(venv)])


def install(venv: Path, requirements: Sequence[Path]) -> None:
    wanted = [word for file in requirements for word in ("-r", str(file))]
    uv = uv_of(venv)
    if uv and succeeds([uv, "pip", "install", "--quiet", "--python", str(places.python_of(venv)), *wanted]):
        return
    print("    uv could not install; trying plain pip (slower)", flush=True)
    run(pip(venv, "install", "--quiet", *wanted))


def uv_of(venv: Path) -> str | None:
    """uv's program inside `venv`, brought by pip when it is not there yet; None where pip cannot bring it."""
    program = venv / "bin/uv"
    if not program.exists() and not succeeds(pip(venv, "install", "--quiet", f"uv=={UV_VERSION}")):
        return None
    return str(program)


def pip(venv: Path, *words: str) -> list[str]:
    return [str(places.python_of(venv)), "-m", "pip", "--disable-pip-version-check", *words]


def succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def run(command: Sequence[str]) -> None:
    """Raises InstallFailed with the last lines the program wrote."""
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-12:])
        raise InstallFailed(f"{' '.join(map(os.fspath, command[:6]))} ... failed:\n{tail}")
