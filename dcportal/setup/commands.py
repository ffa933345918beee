"""The set-up's commands, one function each; `make` is their caller."""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from dcportal import env
from dcportal.setup import client, environments, places, preflight, service, trainer_install


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m dcportal.setup", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS))
    arguments = parser.parse_args(argv)
    try:
        return COMMANDS[arguments.command]()
    except (environments.InstallFailed, env.SettingError) as error:
        print(error, file=sys.stderr)
        return 1


def run() -> int:
    """`make run`: check, install the portal, hand over to `manage.py portal` (this process becomes it)."""
    if not passes_preflight():
        return 1
    step("portal's environment (.venv)", lambda: environments.ensure(*portal_environment()))
    client.install()
    return become("manage.py", "portal", "--prepare")


def run_as_service() -> int:
    """`make service`; a portal that is already there is replaced, so the port is not looked at."""
    before = tuple(check for check in preflight.CHECKS if check is not preflight.port_is_free)
    return service.main() if passes_preflight(before) else 1


def passes_preflight(checks: tuple[preflight.Check, ...] = preflight.CHECKS) -> bool:
    found = preflight.findings(checks)
    if found:
        print("dcportal cannot start yet:\n" + preflight.message(found, is_root=os.geteuid() == 0))
    return not found


def portal_environment() -> tuple[Path, list[Path]]:
    return places.PORTAL_VENV, [places.PORTAL_REQUIREMENTS]


def test_environments() -> int:
    """Both environments with what their tests need."""
    if test_tools():
        return 1
    if trainer_install.main(os.environ.get("TORCH", "auto")):
        return 1
    step(
        "trainer's test tools", lambda: environments.add(places.TRAINER_VENV, places.TRAINER_DEV_REQUIREMENTS)
    )
    return 0


def test_tools() -> int:
    """The portal's environment with ruff, mypy, pytest and the like."""
    if not passes_preflight((preflight.git_is_there, preflight.venv_is_there)):
        return 1
    wanted = [places.PORTAL_REQUIREMENTS, places.DEV_REQUIREMENTS]
    step("portal's environment with test tools", lambda: environments.ensure(places.PORTAL_VENV, wanted))
    return 0


def trainer() -> int:
    return trainer_install.main(os.environ.get("TORCH", "auto"))


def step(name: str, work: Callable[[], bool]) -> None:
    """Do one step and say how long it took, or that nothing was to be done."""
    started = time.monotonic()
    print(f"==> {name}", flush=True)
    changed = work()
    taken = f"{time.monotonic() - started:.1f} s"
    print(f"    {'installed in ' + taken if changed else 'up to date'}", flush=True)


def become(*words: str) -> NoReturn:
    """Replace this process by the portal's interpreter, so that Ctrl-C and exit status are its own."""
    python = str(places.python_of(places.PORTAL_VENV))
    os.chdir(places.REPOSITORY)
    sys.stdout.flush()
    os.execv(python, [python, *words])


COMMANDS: dict[str, Callable[[], int]] = {
    "run": run,
    "test-environments": test_environments,
    "test-tools": test_tools,
    "trainer": trainer,
    "service": run_as_service,
}
