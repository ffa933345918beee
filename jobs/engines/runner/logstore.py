"""The log of an attempt on disk: segments named by the offset at which they begin.

Offsets count every byte ever stored and are never reused, so a reader's place survives rotation. Of a log
beyond its cap the first segment (how it started) and the newest ones are kept. Faster output than the
rate allows is dropped, counted, and remarked upon in the log itself. Used by the runner only.
"""

import errno
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jobs.engines.runner import loglines

NUM_SEGMENTS = 16
SUFFIX = ".log"


@dataclass(slots=True)
class LogCounts:
    """Bytes stored so far, dropped before storing (rate, full disk), and removed by rotation."""

    stored_bytes: int = 0
    dropped_bytes: int = 0
    rotated_bytes: int = 0
    is_disk_full: bool = False


class LogStore:
    """Append-only, capped. All methods take whole lines and never raise for a full disk."""

    def __init__(self, folder: Path, cap_bytes: int) -> None:
        self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._segment_bytes = max(64 * 1024, cap_bytes // NUM_SEGMENTS)
        self._newest: deque[tuple[str, int]] = deque()
        self._fd = -1
        self._name = ""
        self._size = 0
        self.counts = LogCounts()

    def append(self, lines: bytes) -> bool:
        """Store whole lines; False when the disk has no room for them (they count as dropped)."""
        # Each part is tried: a smaller one may fit where a larger did not.
        stored = [self._append_one(part) for part in _parts(lines, self._segment_bytes)]
        return all(stored)

    def _append_one(self, lines: bytes) -> bool:
        try:
            if self._fd < 0 or self._size >= self._segment_bytes:
                self._next_segment()
            self._write(lines)
        except OSError as error:
            self.counts.dropped_bytes += len(lines)
            self.counts.is_disk_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            return False
        self.counts.is_disk_full = False
        return True

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        os.close(self._folder)

    def _write(self, lines: bytes) -> None:
        """All or nothing: half a line at the end would join with the next one."""
        try:
            view = memoryview(lines)
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            os.ftruncate(self._fd, self._size)
            raise
        self._size += len(lines)
        self.counts.stored_bytes += len(lines)

    def _next_segment(self) -> None:
        name = f"{self.counts.stored_bytes:016d}{SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_APPEND
        fresh = os.open(name, flags, 0o644, dir_fd=self._folder)
        if self._fd >= 0:
            os.close(self._fd)
            self._newest.append((self._name, self._size))
        self._fd, self._name, self._size = fresh, name, 0
        # The first segment is never in line for removal; the one being written is not yet.
        while len(self._newest) > NUM_SEGMENTS - 1:
            self._remove_oldest()

    def _remove_oldest(self) -> None:
        first = self._newest.popleft()
        name, size = self._newest.popleft()
        self._newest.appendleft(first)
        os.unlink(name, dir_fd=self._folder)
        self.counts.rotated_bytes += size


def _parts(lines: bytes, size: int) -> Iterator[bytes]:
    """The same whole lines in pieces of about `size`, so that segments stay near theirs."""
    start = 0
    while start < len(lines):
        cut = lines.rfind(b"\n", start, start + size) + 1
        cut = cut or lines.find(b"\n", start) + 1 or len(lines)
        yield lines[start:cut]
        start = cut


class RateLimit:
    """A bucket of bytes that fills at a steady rate. Time is monotonic seconds, passed in.

    Once empty it stays shut until half full: a flood then leaves long gaps rather than a sieve.
    """

    def __init__(self, bytes_per_second: int, burst_bytes: int, now: float) -> None:
        self._rate = bytes_per_second
        self._burst = burst_bytes
        self._left = float(burst_bytes)
        self._is_shut = False
        self._at = now

    def allows(self, size: int, now: float) -> bool:
        """True when `size` bytes may pass; they are then taken out."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        wanted = self._burst / 2 if self._is_shut else size
        self._is_shut = self._left < max(wanted, size)
        if not self._is_shut:
            self._left -= size
        return not self._is_shut


def remark(text: str, seconds: float) -> bytes:
    """A line by the runner itself."""
    return loglines.formed(loglines.stamp(seconds), loglines.REMARK, text.encode())
