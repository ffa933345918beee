"""A PID namespace where bubblewrap is missing: util-linux's `unshare` and a small init of our own.

Nothing is hidden from the job this way; it only can be killed whole.
"""

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_INIT = Path(__file__).resolve().parent / "init.py"


def options() -> list[str] | None:
    """The command up to what runs inside, None when `unshare` is not installed."""
    program = shutil.which("unshare")
    if program is None:
        return None
    command = [program, "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc"]
    return command if os.geteuid() == 0 else [*command, "--user", "--map-current-user"]


def wrapped(argv: Sequence[str], cwd: Path, variables: Mapping[str, str]) -> tuple[list[str], int]:
    """(command, descriptor to pass on) that runs `argv` in `cwd` with exactly `variables`.

    They go through the descriptor, so that neither `unshare` nor the init is started with them.
    """
    command = options()
    assert command is not None
    fd = os.memfd_create("dcportal-init", os.MFD_CLOEXEC)
    os.write(fd, json.dumps({"cwd": str(cwd), "env": dict(variables)}).encode("utf-8", "surrogateescape"))
    os.lseek(fd, 0, os.SEEK_SET)
    return [*command, "--", sys.executable, "-I", "-S", str(_INIT), str(fd), *argv], fd
