"""The journal: what was acknowledged but is not in a block yet survives a kill or a power cut.

Segment files of length-prefixed, checksummed records. Written by one thread; a record counts only after
`sync()` returned. At start `replay()` yields every whole record and cuts a torn tail off.
"""

import json
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from monitoring.store.layout import Layout

_FRAME = struct.Struct("<II")  # payload length, CRC-32
_SAMPLE = struct.Struct("<c8sqiBB")  # kind, layout id, second, clock skew ms, len(node), len(boot)
_KIND_SAMPLE, _KIND_LAYOUT = b"S", b"L"
MAX_RECORD_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """One row as the journal keeps it; `row` holds scaled integers in the order of the layout."""

    node: str
    boot: str
    layout: bytes
    second: int
    skew_milliseconds: int
    row: np.ndarray


def sample_record(record: SampleRecord) -> bytes:
    """The framed bytes of a sample."""
    node, boot = record.node.encode(), record.boot.encode()
    head = _SAMPLE.pack(
        _KIND_SAMPLE, record.layout, record.second, record.skew_milliseconds, len(node), len(boot)
    )
    return _framed(head + node + boot + record.row.astype("<i8", copy=False).tobytes())


def layout_record(node: str, layout: Layout) -> bytes:
    """The framed bytes of "this node uses this layout"."""
    return _framed(_KIND_LAYOUT + json.dumps([node, layout.to_json()]).encode())


def parse(payload: bytes) -> SampleRecord | tuple[str, Layout]:
    """The record in a payload whose checksum held."""
    if payload[:1] == _KIND_LAYOUT:
        node, text = json.loads(payload[1:])
        return node, Layout.from_json(text)
    _, layout, second, skew, node_size, boot_size = _SAMPLE.unpack_from(payload)
    at = _SAMPLE.size
    node = payload[at : at + node_size].decode()
    boot = payload[at + node_size : at + node_size + boot_size].decode()
    row = np.frombuffer(payload, dtype="<i8", offset=at + node_size + boot_size).astype(np.int64)
    return SampleRecord(node, boot, layout, second, skew, row)


def _framed(payload: bytes) -> bytes:
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


@dataclass(slots=True)
class Segment:
    """One journal file and the newest second it holds of each node."""

    path: Path
    newest: dict[str, int] = field(default_factory=dict)


class Journal:
    """Append-only segments in one folder; not thread-safe, the writer thread owns it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.torn_bytes = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._closed = [Segment(path) for path in sorted(folder.glob("*.journal"))]
        self._number = int(self._closed[-1].path.stem) if self._closed else 0
        self._file: int | None = None
        self._good = 0
        self._open: Segment | None = None

    def replay(self) -> Iterator[SampleRecord | tuple[str, Layout]]:
        """Every whole record of the segments found at start, oldest first; torn tails are truncated."""
        for segment in list(self._closed):
            for record in self._records(segment.path):
                if isinstance(record, SampleRecord):
                    _note(segment, record.node, record.second)
                yield record

    def _records(self, path: Path) -> Iterator[SampleRecord | tuple[str, Layout]]:
        data, at = path.read_bytes(), 0
        while at + _FRAME.size <= len(data):
            size, checksum = _FRAME.unpack_from(data, at)
            payload = data[at + _FRAME.size : at + _FRAME.size + size]
            if not 0 < size <= MAX_RECORD_BYTES or len(payload) < size or zlib.crc32(payload) != checksum:
                break
            yield parse(payload)
            at += _FRAME.size + size
        if at < len(data):
            self.torn_bytes += len(data) - at
            os.truncate(path, at)

    def append(self, records: list[bytes], newest: dict[str, int]) -> None:
        """Write and fdatasync `records`; when this returns they are durable. Raises OSError (disk full)
        after cutting off what was written in part, so that a later append starts clean."""
        if self._file is None:
            self._start_segment()
        assert self._file is not None
        assert self._open is not None
        try:
            _write_all(self._file, b"".join(records))
            os.fdatasync(self._file)
        except OSError:
            os.ftruncate(self._file, self._good)
            os.lseek(self._file, self._good, os.SEEK_SET)
            raise
        self._good = os.lseek(self._file, 0, os.SEEK_CUR)
        for node, second in newest.items():
            _note(self._open, node, second)

    def rotate(self) -> None:
        """Close the open segment; the next append starts a new one."""
        if self._file is not None and self._open is not None:
            os.close(self._file)
            self._closed.append(self._open)
        self._file = self._open = None

    def forget(self, sealed_before: dict[str, int]) -> int:
        """Delete closed segments whose rows are all in blocks; returns how many."""
        done = [s for s in self._closed if all(sealed_before.get(n, 0) > t for n, t in s.newest.items())]
        for segment in done:
            segment.path.unlink(missing_ok=True)
            self._closed.remove(segment)
        return len(done)

    def _start_segment(self) -> None:
        self._number += 1
        path = self.folder / f"{self._number:012d}.journal"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        self._open, self._good = Segment(path), 0
        _sync_folder(self.folder)


def _note(segment: Segment, node: str, second: int) -> None:
    segment.newest[node] = max(second, segment.newest.get(node, 0))


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
