"""`.venv/bin/dcp`: the command line client by its own name, from any folder."""

from pathlib import Path

from dcportal.setup import places

PROGRAM = """\
#!/bin/sh
# Made by `make run`; a link to it from a folder of PATH works too.
folder=$(dirname "$(readlink -f "$0")")
PYTHONPATH="$folder/../..${PYTHONPATH:+:$PYTHONPATH}" exec "$folder/python" -m dcportal.cli "$@"
"""


def install() -> Path:
    """Write the program into the portal's environment; returns where it is."""
    program = places.PORTAL_VENV / "bin/dcp"
    if not program.exists() or program.read_text() != PROGRAM:
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(PROGRAM)
        program.chmod(0o755)
    return program
