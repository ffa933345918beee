"""Reading windows of a log by offset, while it is being written or long after.

Used by the engines' `logs`, by the portal's log pages and downloads. Opens nothing but segment files
directly in the given folder, follows no symlink, and costs what the window holds, not what the log holds.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jobs.engines.runner import loglines
from jobs.engines.runner.logstore import SUFFIX

MAX_WINDOW_BYTES = 8 * 2**20
# A window that begins inside a line is moved on to the next one, at most this far.
_LONGEST_LINE_BYTES = loglines.MAX_TEXT_BYTES + 64


@dataclass(frozen=True, slots=True)
class LogWindow:
    """Whole lines in [offset, next_offset). dropped_bytes: removed by rotation before `offset`."""

    offset: int
    data: bytes
    next_offset: int
    end_offset: int
    dropped_bytes: int = 0

    def lines(self) -> Iterator[tuple[int, loglines.LogLine]]:
        """(offset, line) for each line that has the form of one; offsets hold for an unfiltered window."""
        at = self.offset
        for raw in _split(self.data):
            line = loglines.parse(raw)
            if line is not None:
                yield at, line
            at += len(raw)


@dataclass(frozen=True, slots=True)
class _Segment:
    start: int
    size: int
    name: str

    @property
    def end(self) -> int:
        return self.start + self.size


def read_window(folder: Path, offset: int, limit: int = 65536, source: str | None = None) -> LogWindow:
    """Whole lines from `offset` on, about `limit` bytes; a negative offset counts from the end.

    `source` keeps only that rank's lines (`-` launcher, `=` remarks); next_offset moves on all the same.
    An empty answer with next_offset == end_offset means: nothing new. A missing log is an empty one.
    """
    limit = max(1, min(limit, MAX_WINDOW_BYTES))
    try:
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return LogWindow(0, b"", 0, 0)
    try:
        return _filtered(_window(directory, offset, limit), source)
    finally:
        os.close(directory)


def _window(directory: int, offset: int, limit: int) -> LogWindow:
    segments = _segments(directory)
    end = segments[-1].end if segments else 0
    wanted = max(0, end + offset) if offset < 0 else offset
    if wanted >= end:
        return LogWindow(end, b"", end, end)
    start = _kept_from(segments, wanted)
    data = _read(directory, segments, start, limit + _LONGEST_LINE_BYTES)
    skipped = 0 if _at_line_start(directory, segments, start) else data.find(b"\n") + 1
    kept = _whole_lines(data[skipped:], limit)
    first = start + skipped
    return LogWindow(first, kept, first + len(kept), end, start - wanted)


def _segments(directory: int) -> list[_Segment]:
    found = []
    for name in os.listdir(directory):
        digits = name.removesuffix(SUFFIX)
        if name.endswith(SUFFIX) and digits.isdigit() and len(digits) == 16:
            try:
                size = os.stat(name, dir_fd=directory, follow_symlinks=False).st_size
            except OSError:  # rotated away meanwhile
                continue
            found.append(_Segment(int(digits), size, name))
    return sorted(found, key=lambda segment: segment.start)


def _kept_from(segments: list[_Segment], offset: int) -> int:
    """`offset`, or the first kept byte after it."""
    return next(max(offset, segment.start) for segment in segments if segment.end > offset)


def _read(directory: int, segments: list[_Segment], start: int, size: int) -> bytes:
    """Up to `size` bytes from `start` to the next gap."""
    data = b""
    for segment in segments:
        at = start + len(data)
        if segment.start <= at < segment.end and len(data) < size:
            data += _slice(directory, segment, at - segment.start, size - len(data))
    return data


def _slice(directory: int, segment: _Segment, at: int, size: int) -> bytes:
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        fd = os.open(segment.name, flags, dir_fd=directory)
    except OSError:
        return b""
    try:
        return os.pread(fd, min(size, segment.size - at), at)
    finally:
        os.close(fd)


def _at_line_start(directory: int, segments: list[_Segment], offset: int) -> bool:
    """True at the start of a segment and after a newline."""
    if any(segment.start == offset for segment in segments):
        return True
    return _read(directory, segments, offset - 1, 1) == b"\n"


def _whole_lines(data: bytes, limit: int) -> bytes:
    """Lines that begin within `limit` and are complete; at least one when there is one."""
    cut = data.rfind(b"\n", 0, limit)
    if cut < 0:
        cut = data.find(b"\n")
    return data[: cut + 1]


def _filtered(window: LogWindow, source: str | None) -> LogWindow:
    if source is None:
        return window
    wanted = source.encode()
    kept = b"".join(raw for raw in _split(window.data) if loglines.source_of(raw) == wanted)
    return LogWindow(window.offset, kept, window.next_offset, window.end_offset, window.dropped_bytes)


def _split(data: bytes) -> Iterator[bytes]:
    """Lines with their newline; unlike splitlines, only at newlines."""
    start = 0
    while (cut := data.find(b"\n", start)) >= 0:
        yield data[start : cut + 1]
        start = cut + 1
