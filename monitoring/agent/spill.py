"""Frames on disk: the segment files of one agent. Used under the buffer's lock."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from monitoring import protocol
from monitoring.agent.layouts import Layouts
from monitoring.agent.segments import DATA, LAYOUT, MAGIC, Frame, Segment, encode_record, write_all

log = logging.getLogger("dcportal.agent")
_SUFFIX = ".seg"


class Spill:
    """Segment files, oldest first. At most `max_frames` frames, then the oldest segments go."""

    def __init__(
        self, folder: Path, layouts: Layouts, *, max_frames: int, segment_frames: int = 1000
    ) -> None:
        self._folder, self._layouts = folder, layouts
        self._max_frames, self._segment_frames = max_frames, segment_frames
        self.segments: list[Segment] = []
        self.next_id = 0
        self._file: int | None = None

    def load(self) -> None:
        """Take over what an earlier agent left. Raises OSError when the folder cannot be used."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(self._folder.glob(f"{'[0-9]' * 12}{_SUFFIX}")):
            segment = Segment(path)
            self.next_id = segment.adopt(self.next_id)
            self.segments.append(segment)
        if self.pending:
            log.info("buffer: %d frames of an earlier run wait to be sent", self.pending)
        self._delete_finished()

    @property
    def pending(self) -> int:
        """Frames on disk that nobody acknowledged."""
        return sum(segment.pending for segment in self.segments)

    def append(self, frames: list[Frame]) -> None:
        """Write and fdatasync `frames` (at most one segment's worth). Raises OSError, then none is kept."""
        segment = self._writable()
        data, layouts = self._encoded(segment, frames)
        self._write(segment, data)
        segment.size += len(data)
        segment.ids.extend(frame.id for frame in frames)
        segment.layouts |= layouts

    def ack(self, frame_id: int) -> None:
        """`frame_id` is safe at ingest; a segment whose frames all are is deleted."""
        for segment in self.segments:
            if segment.holds(frame_id):
                segment.acked.add(frame_id)
                if not segment.pending:
                    self._delete(segment)
                return

    def drop_excess(self) -> int:
        """Delete the oldest segments above the cap; how many unacknowledged frames that lost."""
        lost = 0
        while len(self.segments) > 1 and sum(len(s.ids) for s in self.segments) > self._max_frames:
            lost += self.segments[0].pending
            self._delete(self.segments[0])
        return lost

    def close(self) -> None:
        """Close the file that is being written."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, segment: Segment, data: bytes) -> None:
        assert self._file is not None
        try:
            write_all(self._file, data)
            os.fdatasync(self._file)
        except OSError:
            os.ftruncate(self._file, segment.size)
            os.lseek(self._file, segment.size, os.SEEK_SET)
            raise

    def _encoded(self, segment: Segment, frames: list[Frame]) -> tuple[bytes, set[tuple[int, int]]]:
        parts: list[bytes] = []
        added: set[tuple[int, int]] = set()
        for frame in frames:
            if frame.layout is not None and (frame.node, frame.layout) not in segment.layouts | added:
                layout = self._layouts.get(frame.node, frame.layout)
                parts.append(encode_record(LAYOUT, protocol.encode(layout)))
                added.add((frame.node, frame.layout))
            parts.append(encode_record(DATA, frame.payload))
        return b"".join(parts), added

    def _writable(self) -> Segment:
        if self._file is not None and len(self.segments[-1].ids) < self._segment_frames:
            return self.segments[-1]
        return self._new_segment()

    def _new_segment(self) -> Segment:
        self.close()
        number = self.segments[-1].number + 1 if self.segments else 1
        path = self._folder / f"{number:012d}{_SUFFIX}"
        self._folder.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            write_all(file, MAGIC)
        except OSError:
            os.close(file)
            path.unlink(missing_ok=True)
            raise
        self._file = file
        self.segments.append(Segment(path))
        return self.segments[-1]

    def _delete_finished(self) -> None:
        for segment in [segment for segment in self.segments if not segment.pending]:
            self._delete(segment)

    def _delete(self, segment: Segment) -> None:
        if segment is self.segments[-1]:
            self.close()
        self.segments.remove(segment)
        segment.path.unlink(missing_ok=True)
