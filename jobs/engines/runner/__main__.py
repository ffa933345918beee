"""`python -m jobs.engines.runner [--detach] RUN_FOLDER`: run one attempt.

With --detach the caller is not the parent of what runs: this process forks and ends at once.
"""

import os
import sys
from pathlib import Path

from jobs.engines.runner import attempt


def main(argv: list[str]) -> int:
    """Exit code 0: done or duplicate; 1: could not begin (see control/runner.log)."""
    detach = "--detach" in argv
    (root,) = [word for word in argv if word != "--detach"]
    if detach:
        if os.fork():
            os._exit(0)
        os.setsid()
    os.chdir("/")
    return attempt.run(Path(root))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
