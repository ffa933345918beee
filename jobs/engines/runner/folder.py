"""The run folder of one attempt: where each file lies and how it is written.

`control/` belongs to runner and engine (mode 0700, hidden from the job where it runs masked); `work/` is
the job's. Every control file is JSON, written whole by rename, so a reader sees the old or the new one.
Used by the runner, the engines and the follower; stdlib only.
"""

import contextlib
import errno
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# Freed when the disk is full, so that the end of an attempt can still be written down.
RESERVE_BYTES = 64 * 1024
WORK_FOLDERS = ("logs", "events", "checkpoints", "artifacts", "streams", "lib")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """`<runs>/<job uid>/<attempt>` and the names inside it."""

    root: Path

    @property
    def control(self) -> Path:
        return self.root / "control"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def logs(self) -> Path:
        return self.work / "logs"

    @property
    def streams(self) -> Path:
        """Named pipes through which each rank's output reaches the log."""
        return self.work / "streams"

    @property
    def spec(self) -> Path:
        return self.control / "spec.json"

    @property
    def secrets(self) -> Path:
        return self.control / "secrets.json"

    @property
    def claim(self) -> Path:
        return self.control / "claim"

    @property
    def runner(self) -> Path:
        """Who runs this attempt: pid, start ticks, boot id, guard, container."""
        return self.control / "runner.json"

    @property
    def state(self) -> Path:
        return self.control / "state.json"

    @property
    def heartbeat(self) -> Path:
        return self.control / "heartbeat"

    @property
    def cancel(self) -> Path:
        return self.control / "cancel.json"

    @property
    def stop(self) -> Path:
        """Progress of a stop, process by process."""
        return self.control / "stop.json"

    @property
    def log_counts(self) -> Path:
        return self.control / "logs.json"

    @property
    def exit(self) -> Path:
        """The end. Its presence means: no process of this attempt is left."""
        return self.control / "exit.json"

    @property
    def reserve(self) -> Path:
        return self.control / "reserve"

    @property
    def runner_log(self) -> Path:
        return self.control / "runner.log"

    @property
    def prepared(self) -> Path:
        """What code preparation found. Written from inside the container: not to be trusted."""
        return self.work / "prepared.json"

    def create(self) -> None:
        """Make the folders. Raises OSError, naming the path."""
        self.control.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in WORK_FOLDERS:
            (self.work / name).mkdir(mode=0o755, parents=True, exist_ok=True)
        self.reserve.write_bytes(b"\0" * RESERVE_BYTES)


def now() -> str:
    """This instant in UTC, ISO form with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def write_json(path: Path, value: Mapping[str, Any], *, mode: int = 0o600, durable: bool = False) -> None:
    """Replace `path` by `value` in one step. `durable` waits for the disk. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        with open(os.open(temporary, flags, mode), "w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=True)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(path.parent)


def write_last_words(folder: RunFolder, path: Path, value: Mapping[str, Any]) -> None:
    """Durable `write_json` that frees the reserve and tries again when the disk is full."""
    try:
        write_json(path, value, durable=True)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        folder.reserve.unlink(missing_ok=True)
        write_json(path, value, durable=True)


def read_json(path: Path, limit: int = 4 * 2**20) -> dict[str, Any] | None:
    """The object in `path`; None when there is none, or none that can be read as such."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    with open(fd, "rb") as file, contextlib.suppress(ValueError, RecursionError, OSError):
        value = json.loads(file.read(limit))
        return value if isinstance(value, dict) else None
    return None


def _sync_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
