"""`work/run.sh`: repeats the attempt by hand, without the portal. Holds no secret."""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

_HEAD = """#!/bin/sh
# Repeats attempt {tag} without the portal: same code, command and variables. Run it on the same node.
set -eu
"""


def text(
    tag: str,
    cwd: Path,
    argv: Sequence[str],
    variables: Mapping[str, str],
    secret_names: Sequence[str],
) -> str:
    """The script. Secrets must be set by whoever runs it; it stops with their names otherwise."""
    lines = [_HEAD.format(tag=tag)]
    lines += [f': "${{{name}:?set this secret first}}"' for name in secret_names]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.items())]
    lines += [f"cd {shlex.quote(str(cwd))}", f"exec {shlex.join(argv)}", ""]
    return "\n".join(lines)


def write(path: Path, script: str) -> None:
    """Write it executable, replacing nothing that a job could have put there."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o755)
    with open(fd, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(script)
