"""From the pipes of a job's processes to its log: cut into lines, masked, stamped, limited, counted.

Memory stays flat whatever arrives: at most one unfinished line of 64 KiB per pipe is held. A job that
writes faster than the limit for long is neither stopped nor let through: the surplus is read and dropped.
"""

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterable
from pathlib import Path

from jobs.engines.runner import loglines, logstore
from jobs.engines.runner.logstore import LogStore, RateLimit

READ_BYTES = 256 * 1024
BURST_SECONDS = 4
# An unfinished line is shown once it is this old (progress bars, prompts).
STALE_SECONDS = 1.0
_SHORTEST_SECRET = 5


class LineCutter:
    """Bytes in, lines out, for one pipe. A line is (text, goes_on)."""

    def __init__(self) -> None:
        self._pending = b""
        self._since: float | None = None
        self._resync = False
        self.skipped_bytes = 0

    def feed(self, data: bytes, now: float) -> list[tuple[bytes, bool]]:
        """Lines completed by `data`."""
        if self._resync:
            cut = data.find(b"\n") + 1
            self._resync = cut == 0
            self.skipped_bytes += cut or len(data)
            data = data[cut:]
            if self._resync:
                return []
        *whole, self._pending = (self._pending + data).split(b"\n")
        lines = [piece for text in whole for piece in _pieces(_last_overwrite(text))]
        while len(self._pending) > loglines.MAX_TEXT_BYTES:
            lines.append((self._pending[: loglines.MAX_TEXT_BYTES], True))
            self._pending = self._pending[loglines.MAX_TEXT_BYTES :]
        self._since = (now if whole or self._since is None else self._since) if self._pending else None
        return lines

    def stale(self, now: float) -> list[tuple[bytes, bool]]:
        """What has waited too long for its newline: the newest state of a progress bar, or part of a line."""
        if self._since is None or now - self._since < STALE_SECONDS:
            return []
        return self.rest(goes_on=b"\r" not in self._pending)

    def rest(self, goes_on: bool = False) -> list[tuple[bytes, bool]]:
        """What is held, as a line; afterwards nothing is held."""
        text, self._pending, self._since = self._pending, b"", None
        shown = _last_overwrite(text)
        return [(shown, goes_on)] if shown else []

    def skip(self) -> list[tuple[bytes, bool]]:
        """Bytes are being dropped here: end the held line and go on after the next newline."""
        self._resync = True
        return self.rest()


def _last_overwrite(text: bytes) -> bytes:
    """What a terminal would show of a line that returns to its start again and again."""
    text = text.removesuffix(b"\r")
    return text.rsplit(b"\r", 1)[-1] if b"\r" in text else text


def _pieces(text: bytes) -> list[tuple[bytes, bool]]:
    size = loglines.MAX_TEXT_BYTES
    if len(text) <= size:
        return [(text, False)]
    starts = range(0, len(text), size)
    return [(text[start : start + size], start + size < len(text)) for start in starts]


class Stream:
    """One pipe and the name under which its lines appear."""

    def __init__(self, fd: int, source: bytes) -> None:
        self.fd = fd
        self.source = source
        self.cutter = LineCutter()
        self.dropped_bytes = 0
        os.set_blocking(fd, False)
        with contextlib.suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, READ_BYTES)


class LogPump:
    """Reads streams, writes the store. Called by the runner's loop; times are monotonic seconds."""

    def __init__(self, store: LogStore, rate_bytes: int, secrets: Iterable[str], now: float) -> None:
        self._store = store
        self._rate_bytes = rate_bytes
        self._limit = RateLimit(rate_bytes, rate_bytes * BURST_SECONDS, now)
        self._secrets = sorted((s.encode() for s in secrets if len(s) >= _SHORTEST_SECRET), key=len)[::-1]
        self._lost_to_disk = 0
        self.streams: dict[int, Stream] = {}
        self.tail: bytes = b""

    def add(self, fd: int, source: bytes) -> None:
        self.streams[fd] = Stream(fd, source)

    def read(self, fd: int, now: float) -> bool:
        """Take what `fd` holds. False when its writers are gone."""
        stream = self.streams[fd]
        try:
            data = os.read(fd, READ_BYTES)
        except BlockingIOError:
            return True
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        if data:
            self._take(stream, data, now)
        return bool(data)

    def tick(self, now: float) -> None:
        """Show unfinished lines that are old, and say what was dropped."""
        for stream in self.streams.values():
            self._store_lines(stream, stream.cutter.stale(now))
            self._confess(stream)

    def drop_stream(self, fd: int) -> None:
        """Store what the stream still holds and close it."""
        stream = self.streams.pop(fd)
        self._store_lines(stream, stream.cutter.rest())
        self._confess(stream)
        os.close(fd)

    def remark(self, text: str) -> None:
        """Put a line of our own into the log."""
        self._append(logstore.remark(text, time.time()))

    def _take(self, stream: Stream, data: bytes, now: float) -> None:
        # What a chunk costs on disk: each line gets a prefix of about 28 bytes.
        if self._limit.allows(len(data) + 28 * data.count(b"\n"), now):
            lines = stream.cutter.feed(data, now)
            self._count_dropped(stream, stream.cutter.skipped_bytes)
            stream.cutter.skipped_bytes = 0
            if lines:
                self._confess(stream)
            self._store_lines(stream, lines)
            return
        self._store_lines(stream, stream.cutter.skip())
        self._count_dropped(stream, len(data))
        # Read on at 256 KiB per 2 ms at most: dropping needs no whole core.
        time.sleep(0.002)

    def _count_dropped(self, stream: Stream, size: int) -> None:
        stream.dropped_bytes += size
        self._store.counts.dropped_bytes += size

    def _store_lines(self, stream: Stream, lines: list[tuple[bytes, bool]]) -> None:
        if not lines:
            return
        stamp = loglines.stamp(time.time())
        formed = [
            loglines.formed(stamp, stream.source, self._masked(text), goes_on) for text, goes_on in lines
        ]
        self._append(b"".join(formed))
        if stream.source == loglines.LAUNCHER:
            self.tail = (self.tail + b"\n".join(text for text, _ in lines) + b"\n")[-16384:]

    def _append(self, lines: bytes) -> None:
        if not self._store.append(lines):
            self._lost_to_disk += len(lines)
        elif self._lost_to_disk:
            lost, self._lost_to_disk = self._lost_to_disk, 0
            self.remark(f"{lost} bytes dropped (no space left on the device)")

    def _confess(self, stream: Stream) -> None:
        if stream.dropped_bytes:
            who = f"rank {stream.source.decode()}" if stream.source.isdigit() else "the launcher"
            rate = self._rate_bytes / 2**20
            self.remark(f"{stream.dropped_bytes} bytes dropped ({who} wrote faster than {rate:g} MiB/s)")
            stream.dropped_bytes = 0

    def _masked(self, text: bytes) -> bytes:
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, b"***")
        return text


def make_rank_pipes(folder: Path, ranks: int, owner: tuple[int, int] | None) -> dict[int, int]:
    """A named pipe per rank in `folder`; rank -> descriptor to read from. Raises OSError.

    Opened for writing as well, so that it never reads as ended while ranks come and go.
    """
    pipes = {}
    for rank in range(ranks):
        path = folder / str(rank)
        os.mkfifo(path, 0o600)
        if owner is not None:
            os.chown(path, *owner, follow_symlinks=False)
        pipes[rank] = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    return pipes
