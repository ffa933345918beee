"""Reads spilled frames for one connection and renumbers their layouts for it."""

from __future__ import annotations

import logging
from collections.abc import Container

from monitoring import protocol
from monitoring.agent.layouts import Layouts
from monitoring.agent.segments import LAYOUT, Frame, Record, Segment
from monitoring.agent.spill import Spill
from monitoring.protocol import Layout, Sample

log = logging.getLogger("dcportal.agent")


class Replay:
    """Goes through the spill once, oldest first. Acknowledged frames are skipped."""

    def __init__(self, spill: Spill, layouts: Layouts) -> None:
        self._spill, self._layouts = spill, layouts
        self._segment: Segment | None = None
        self._offset = self._index = 0
        self._refs: dict[tuple[int, int], Layout] = {}

    def take(self, most: int, in_flight: Container[int]) -> list[Frame]:
        """Up to `most` frames that are neither acknowledged nor in flight on this connection."""
        taken: list[Frame] = []
        while len(taken) < most:
            segment = self._segment_with_more()
            if segment is None:
                break
            taken += self._read(segment, most - len(taken), in_flight)
        return taken

    def _segment_with_more(self) -> Segment | None:
        present = self._segment
        if present is not None and present in self._spill.segments and self._index < len(present.ids):
            return present
        number = present.number if present else 0
        later = (s for s in self._spill.segments if s.number > number and s.ids)
        self._segment = next(later, None) or present
        if self._segment is present:
            return None
        self._offset, self._index, self._refs = 0, 0, {}
        return self._segment

    def _read(self, segment: Segment, most: int, in_flight: Container[int]) -> list[Frame]:
        taken: list[Frame] = []
        try:
            for record in segment.records(self._offset):
                self._offset = record.end
                frame = self._frame(segment, record)
                if frame and frame.id not in segment.acked and frame.id not in in_flight:
                    taken.append(frame)
                if len(taken) == most or self._index == len(segment.ids):
                    return taken
        except OSError as error:
            log.error("buffer: %s: %s", segment.path, error)
        self._index = len(segment.ids)  # the file is gone or shorter than it was: nothing more to read
        return taken

    def _frame(self, segment: Segment, record: Record) -> Frame | None:
        if record.kind == LAYOUT:
            self._learn(record.payload)
            return None
        frame_id = segment.ids[self._index]
        self._index += 1
        try:
            return self._renumbered(frame_id, record.payload)
        except (protocol.ProtocolError, KeyError) as error:  # written by a version that spoke otherwise
            log.error("buffer: %s: a frame cannot be read: %s", segment.path, error)
            segment.acked.add(frame_id)
            return None

    def _learn(self, payload: bytes) -> None:
        layout = protocol.decode_from_agent(payload)
        assert isinstance(layout, Layout)
        self._refs[layout.node, layout.layout] = self._layouts.declare(
            layout.node, layout.boot_id, layout.groups
        )

    def _renumbered(self, frame_id: int, payload: bytes) -> Frame:
        sample = protocol.decode_from_agent(payload)
        if not isinstance(sample, Sample):
            return Frame(frame_id, 0.0, 0, None, payload)
        ref = self._refs[sample.node, sample.layout].layout
        if ref != sample.layout:
            payload = protocol.encode(protocol.renumbered(sample, ref))
        return Frame(frame_id, 0.0, sample.node, ref, payload)
