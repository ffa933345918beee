"""A helper that outlives its runner by exactly one task: to kill the container when the runner died.

It waits on a pipe. A byte means the runner ended in order; the end of the pipe without one means it died,
however that came about, and the guard finishes the attempt in its place.
"""

import os
import signal
from pathlib import Path

from jobs.engines.runner import folder, orphans
from jobs.engines.runner.folder import RunFolder
from jobs.engines.runner.spec import RunnerSpec


class Guard:
    """The runner's side: keep it while there is something to guard, then `dismiss`."""

    def __init__(self, pid: int, pipe: int) -> None:
        self.pid = pid
        self._pipe = pipe

    def dismiss(self) -> None:
        """The attempt ended in order; the guard goes without doing anything."""
        os.write(self._pipe, b"\0")
        os.close(self._pipe)


def post(root: Path) -> Guard:
    """Fork a guard for the attempt in `root`. Call while the runner has one thread and no job yet."""
    watched, kept = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(kept)
        _stand(watched, root)
    os.close(watched)
    return Guard(pid, kept)


def _stand(pipe: int, root: Path) -> None:
    """The guard's whole life. Never returns."""
    status = 1
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if os.read(pipe, 1) == b"":
            files = RunFolder(root)
            orphans.finish(files, RunnerSpec.from_json(folder.read_json(files.spec)))
        status = 0
    finally:
        os._exit(status)
