"""`make check`: everything that must hold before code is merged, each check with a line of its own.

`python -m dcportal.operations.checks [--only NAME ...]`. All run even when one fails; exit code 1 then.
"""

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass

from dcportal.operations.catalogues import changed_places, incomplete
from dcportal.operations.marked import forgotten
from dcportal.setup import places

TOOLS = places.PORTAL_VENV / "bin"
PYTHON = sys.executable
#: `check --deploy` looks at an installation behind TLS; on loopback its findings are silenced on purpose.
DEPLOYED = {
    "DCP_PUBLIC_URL": "https://dcportal.example",
    "DCP_SECRET_KEY": "for-make-check-only-0123456789-abcdefghijklmnopqrst",
}


@dataclass(frozen=True)
class Check:
    """A name and a command; `environment` is added to the present one."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]


def tool(name: str, *words: str, **environment: str) -> Check:
    return Check(name, (str(TOOLS / words[0]), *words[1:]), environment)


def manage(name: str, *words: str, **environment: str) -> Check:
    return Check(name, (PYTHON, "manage.py", *words), environment)


CHECKS = (
    tool("format", "ruff", "format", "--check", "--quiet", "."),
    tool("lint", "ruff", "check", "--quiet", "."),
    tool("layers", "lint-imports", "--no-logo"),
    tool("types", "mypy", "dcportal", "jobs", "monitoring", "trainer"),
    manage("migrations", "makemigrations", "--check", "--dry-run"),
    manage("deployment", "check", "--deploy", "--fail-level", "WARNING", **DEPLOYED),
    tool("templates", "djlint", "templates", "--lint", "--quiet"),
    Check("catalogues", (PYTHON, "-m", "dcportal.operations.checks", "--catalogues"), {}),
)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m dcportal.operations.checks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[check.name for check in CHECKS])
    parser.add_argument("--catalogues", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.catalogues:
        return catalogues()
    wanted = [check for check in CHECKS if not arguments.only or check.name in arguments.only]
    failed = [check.name for check in wanted if not passes(check)]
    write(f"make check: {'FAILED: ' + ', '.join(failed) if failed else 'all passed'}")
    return 1 if failed else 0


def passes(check: Check) -> bool:
    started = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=places.REPOSITORY,
        env={**os.environ, **check.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    write(f"{'ok  ' if done.returncode == 0 else 'FAIL'} {check.name:11} {time.monotonic() - started:5.1f} s")
    if done.returncode:
        write(done.stdout.rstrip())
    return done.returncode == 0


def catalogues() -> int:
    """Every marked text is collected and surely translated, with all its places."""
    folder = places.REPOSITORY / "dcportal/locale"
    found = {
        "without a sure translation": incomplete(folder),
        "with other places than the English": changed_places(folder),
        "not as in the sources; call make messages": forgotten(places.REPOSITORY, folder),
    }
    for what, lines in found.items():
        for line in lines[:40]:
            write(line)
        if lines:
            write(f"{len(lines)} text(s) {what}")
    return 1 if any(found.values()) else 0


def write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
