"""The lock that makes one process the only writer of telemetry."""

import fcntl
import os
from pathlib import Path


class HeldElsewhere(RuntimeError):
    """Another process is ingest; `pid` names it when it could be read."""

    def __init__(self, pid: str) -> None:
        super().__init__(f"another process holds the telemetry store: pid {pid or 'unknown'}")
        self.pid = pid


class HolderLock:
    """flock on `ingest.lock`; the kernel frees it when the process dies."""

    def __init__(self, root: Path) -> None:
        self.path = root / "ingest.lock"
        self._file: int | None = None

    def acquire(self) -> None:
        """Raises HeldElsewhere when another process has it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o640)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = os.pread(file, 32, 0).decode(errors="replace").strip()
            os.close(file)
            raise HeldElsewhere(pid) from error
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
