"""Frames between the sampler and the sender: in memory, then on disk, never forgotten unacknowledged.

Promise: a frame leaves only when ingest acknowledged it or when a cap is reached, and then it is
counted in `dropped`. What is older than `spill_after_seconds` is on disk and survives kill -9; the
ring in memory alone (disk full) lasts `ring_seconds`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Container, Iterable
from itertools import islice

from monitoring.agent.collectors.base import Happening
from monitoring.agent.replay import Replay
from monitoring.agent.segments import Frame
from monitoring.agent.spill import Spill

log = logging.getLogger("dcportal.agent")
_SPILL_RETRY_SECONDS = 10.0
_SPILL_BATCH = 1000
_DROPS_TOLD_SECONDS = 60.0


class Buffer:
    """Thread-safe. `spill` None: memory only (a made-up fleet)."""

    def __init__(
        self, spill: Spill | None, *, ring_seconds: float = 120.0, spill_after_seconds: float = 5.0
    ) -> None:
        self._spill = spill
        self._ring_seconds, self._spill_after_seconds = ring_seconds, spill_after_seconds
        self._ring: dict[int, Frame] = {}
        self._next_id = spill.next_id if spill else 0
        self._changed = threading.Condition()
        self._spill_retry_at = 0.0
        self._spill_failed = False
        self._happenings: list[Happening] = []
        self._untold_drops = 0
        self._told_drops_at = float("-inf")
        self.dropped = 0

    def put(self, node: int, layout: int | None, payload: bytes, monotonic: float) -> None:
        """Keep one frame."""
        with self._changed:
            frame = Frame(self._next_id, monotonic, node, layout, payload)
            self._ring[frame.id] = frame
            self._next_id += 1

    def tend(self, monotonic: float) -> None:
        """Once a tick: spill what is old, drop what is above the caps, wake the sender."""
        with self._changed:
            if monotonic >= self._spill_retry_at:
                self._spill_older_than(monotonic - self._spill_after_seconds, monotonic)
            self._drop(self._born_before(monotonic - self._ring_seconds))
            if self._spill:
                self._count_dropped(self._spill.drop_excess())
            self._changed.notify_all()

    def save(self, monotonic: float) -> None:
        """Put everything on disk, when the agent stops."""
        with self._changed:
            self._spill_older_than(float("inf"), monotonic)
            if self._spill:
                self._spill.close()

    def wait(self, seconds: float) -> None:
        """Until the next `tend`, at most `seconds`."""
        with self._changed:
            self._changed.wait(seconds)

    def wake(self) -> None:
        """End a `wait` now."""
        with self._changed:
            self._changed.notify_all()

    def after(self, frame_id: int) -> list[Frame]:
        """Frames in memory with a higher id, oldest first."""
        with self._changed:
            return [frame for frame in self._ring.values() if frame.id > frame_id]

    def replayed(self, replay: Replay, most: int, in_flight: Container[int]) -> list[Frame]:
        """The next frames of `replay`. Raises OSError when the disk cannot be read."""
        with self._changed:
            return replay.take(most, in_flight)

    def ack(self, frame_ids: Iterable[int]) -> None:
        """Forget these frames: ingest has them."""
        with self._changed:
            for frame_id in frame_ids:
                if self._ring.pop(frame_id, None) is None and self._spill:
                    self._spill.ack(frame_id)

    @property
    def pending(self) -> int:
        """Frames that are not acknowledged, in memory and on disk."""
        with self._changed:
            return len(self._ring) + (self._spill.pending if self._spill else 0)

    def take_happenings(self, monotonic: float) -> list[Happening]:
        """What befell the buffer since the last call: a disk that fails or is back, frames dropped.

        Drops are told once a minute: each telling is itself a frame to keep.
        """
        with self._changed:
            taken, self._happenings = self._happenings, []
            if self._untold_drops and monotonic - self._told_drops_at >= _DROPS_TOLD_SECONDS:
                log.warning("buffer: dropped %d oldest frames, %d in all", self._untold_drops, self.dropped)
                taken.append(Happening("frames_dropped", "", {"frames": self._untold_drops}))
                self._untold_drops, self._told_drops_at = 0, monotonic
            return taken

    def _spill_older_than(self, born: float, monotonic: float) -> None:
        while self._spill and (batch := list(islice(self._until(born), _SPILL_BATCH))):
            try:
                self._spill.append(batch)
            except OSError as error:
                self._note_failure(error, monotonic)
                return
            for frame in batch:
                del self._ring[frame.id]
            self._note_success()

    def _until(self, born: float) -> Iterable[Frame]:
        for frame in self._ring.values():
            if frame.born > born:
                return
            yield frame

    def _born_before(self, born: float) -> list[Frame]:
        return list(self._until(born))

    def _drop(self, frames: list[Frame]) -> None:
        for frame in frames:
            del self._ring[frame.id]
        self._count_dropped(len(frames))

    def _count_dropped(self, frames: int) -> None:
        self.dropped += frames
        self._untold_drops += frames

    def _note_failure(self, error: OSError, monotonic: float) -> None:
        self._spill_retry_at = monotonic + _SPILL_RETRY_SECONDS
        if not self._spill_failed:
            self._spill_failed = True
            log.error("buffer: cannot write to disk (%s); memory holds %.0f s", error, self._ring_seconds)
            self._happenings.append(Happening("spill_failed", "", {"errno": error.errno}))

    def _note_success(self) -> None:
        if self._spill_failed:
            self._spill_failed = False
            log.info("buffer: the disk can be written again")
            self._happenings.append(Happening("spill_back"))
