"""Windows of a job's log, read straight from the run folder; the engine masked secrets when writing it."""

import os
from pathlib import Path

from jobs import paths
from jobs.engines.runner.logwindow import LogWindow, read_window
from jobs.models import Attempt

LOGS = "work/logs"


def log_window(attempt: Attempt, offset: int = 0, limit: int = 65536, source: str | None = None) -> LogWindow:
    """Whole lines from `offset` on (negative: from the end); empty while there is no log.

    source: a rank, `-` for the launcher, `=` for the runner's remarks.
    """
    root = Path(attempt.run_dir)
    try:
        os.close(paths.open_below(root, LOGS, os.O_RDONLY | os.O_DIRECTORY))
    except OSError:
        return LogWindow(0, b"", 0, 0)
    return read_window(root / LOGS, offset, limit, source)
