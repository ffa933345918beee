"""`make bench [ONLY=pattern]`: runs every script of this folder whose name holds the pattern.

Each prints rows `area/name | value unit | goal | ok or short | peer in the same run`. The exit code is 0
whatever the figures: a benchmark informs, tests judge. `quiet` in a row means that it is a wall time, worth
something only while the load average printed above is well below the number of cores.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent
REPOSITORY = FOLDER.parents[1]
SCRIPT_SECONDS = 1200


def scripts(pattern: str) -> list[str]:
    """Module names, in order; files that start with an underscore are shared code."""
    names = sorted(file.stem for file in FOLDER.glob("*.py") if not file.name.startswith("_"))
    return [name for name in names if pattern in name]


def run(name: str) -> None:
    started = time.monotonic()
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"# {name} (load average {load}, {os.cpu_count()} cores)", flush=True)
    try:
        done = subprocess.run(
            [sys.executable, "-m", f"tests.bench.{name}"], cwd=REPOSITORY, timeout=SCRIPT_SECONDS
        )
        ending = "" if done.returncode == 0 else f", ended with exit code {done.returncode}: NOT MEASURED"
    except subprocess.TimeoutExpired:
        ending = f", stopped after {SCRIPT_SECONDS} s: NOT MEASURED"
    print(f"# {name}: {time.monotonic() - started:.1f} s{ending}", flush=True)


def main(argv: list[str]) -> int:
    chosen = scripts(argv[0] if argv else "")
    if not chosen:
        print(f"no benchmark matches {argv[0]!r}; there are: {', '.join(scripts(''))}")
    for name in chosen:
        run(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
