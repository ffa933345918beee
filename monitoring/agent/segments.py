"""One spill file: records of layouts and data frames, in the order they were measured.

A magic line, then records: kind, length, CRC-32, payload. Kind L is a `Layout` (each segment names
every layout its samples use, so that a later agent can read it), kind D a data frame. Reading stops
at the first record that is not whole and sound: the torn tail of a crash.
"""

from __future__ import annotations

import os
import struct
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from monitoring.protocol import MAX_FRAME_BYTES

MAGIC = b"DCPSPILL1\n"
LAYOUT, DATA = b"L", b"D"
_HEAD = struct.Struct(">cII")


class Frame(NamedTuple):
    """One encoded data frame. `layout` is None for frames that refer to none (events)."""

    id: int
    born: float
    node: int
    layout: int | None
    payload: bytes


class Record(NamedTuple):
    """One record of a segment and the offset behind it."""

    kind: bytes
    payload: bytes
    end: int


class Segment:
    """One file. `ids` are its frames' in file order (rising); it may go when all are acknowledged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = int(path.stem)
        self.ids: array[int] = array("q")
        self.size = len(MAGIC)
        self.acked: set[int] = set()
        self.layouts: set[tuple[int, int]] = set()

    @property
    def pending(self) -> int:
        """Frames not acknowledged yet."""
        return len(self.ids) - len(self.acked)

    def holds(self, frame_id: int) -> bool:
        """Whether a frame of that id is in this file."""
        at = bisect_left(self.ids, frame_id)
        return at < len(self.ids) and self.ids[at] == frame_id

    def records(self, offset: int) -> Iterator[Record]:
        """Whole, sound records from `offset` on (0: from the first)."""
        with open(self.path, "rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                return
            file.seek(offset or len(MAGIC))
            while (record := _read(file)) is not None:
                yield record

    def adopt(self, first_id: int) -> int:
        """Number the frames of a file that an earlier agent left; the id after the last one."""
        for record in self.records(0):
            self.size = record.end
            if record.kind == DATA:
                self.ids.append(first_id + len(self.ids))
        return first_id + len(self.ids)


def encode_record(kind: bytes, payload: bytes) -> bytes:
    """The bytes of one record."""
    return _HEAD.pack(kind, len(payload), zlib.crc32(payload, kind[0])) + payload


def write_all(file: int, data: bytes) -> None:
    """Write all of `data`. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _read(file: BinaryIO) -> Record | None:
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    kind, length, crc = _HEAD.unpack(head)
    if kind not in (LAYOUT, DATA) or length > MAX_FRAME_BYTES:
        return None
    payload = file.read(length)
    if len(payload) < length or zlib.crc32(payload, kind[0]) != crc:
        return None
    return Record(kind, payload, file.tell())
