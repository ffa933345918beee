"""The tick: reads every node, encodes samples and events, hands them to the buffer."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from monitoring import protocol
from monitoring.agent.buffer import Buffer
from monitoring.agent.clock import Clock, ClockWatch
from monitoring.agent.collectors.base import Happening, Node
from monitoring.agent.station import Station
from monitoring.protocol import Event, Layout, Processes, Sample


class Sampler:
    """Ticks `interval_seconds` apart, at `phase` of the wall clock's interval.

    The phase keeps samples of one node away from the edge of ingest's one-second slots and spreads
    nodes over the second. A wall clock that is set moves one tick by less than an interval.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        *,
        station: Station,
        buffer: Buffer,
        clock: Clock,
        interval_seconds: float = 1.0,
        phase: float = 0.5,
    ) -> None:
        self._nodes, self._station, self._buffer, self._clock = nodes, station, buffer, clock
        self._interval_seconds, self._phase = interval_seconds, phase
        self._layouts: dict[int, Layout] = {}
        self._seq = 0
        self._clock_watch = ClockWatch()
        self._last_tick: float | None = None

    def run(self, stop: threading.Event) -> None:
        """Tick until `stop` is set."""
        while not self._clock.wait(stop, self.seconds_to_next()):
            self.tick()

    def seconds_to_next(self) -> float:
        """Until the next tick is due."""
        interval = self._interval_seconds
        seconds = (self._phase * interval - self._clock.wall()) % interval
        if self._last_tick is None:
            return seconds
        since = self._clock.monotonic() - self._last_tick
        # early wake-ups and a wall clock that drifts must not give two ticks for one slot
        return seconds + interval if since + seconds < interval / 2 else seconds

    def tick(self) -> None:
        """Read all nodes once."""
        monotonic, wall = self._clock.monotonic(), self._clock.wall()
        self._last_tick = monotonic
        self._seq += 1
        for index, node in enumerate(self._nodes):
            self._sample(index, node, monotonic, wall)
        self._tell(0, self._own_happenings(monotonic, wall), monotonic, wall)
        self._buffer.tend(monotonic)

    def introduce(self) -> None:
        """Read facts and columns, so that a hello can be said before the first tick."""
        monotonic = self._clock.monotonic()
        for index, node in enumerate(self._nodes):
            self._refresh(index, node, monotonic)

    def _refresh(self, index: int, node: Node, monotonic: float) -> None:
        if node.refresh(monotonic):
            self._layouts[index] = self._station.introduce(index, node.facts(), node.groups())

    def _sample(self, index: int, node: Node, monotonic: float, wall: float) -> None:
        self._refresh(index, node, monotonic)
        layout = self._layouts[index]
        times = _milliseconds(monotonic), _milliseconds(wall)
        sample = Sample(index, layout.layout, self._seq, *times, node.read(monotonic))
        self._buffer.put(index, layout.layout, protocol.encode(sample), monotonic)
        self._tell(index, node.take_happenings(), monotonic, wall)
        processes = node.take_processes()
        if processes is not None:
            message = Processes(
                node=index,
                boot_id=layout.boot_id,
                monotonic_ms=times[0],
                wall_ms=times[1],
                processes=processes,
            )
            self._station.set_processes(index, message)

    def _own_happenings(self, monotonic: float, wall: float) -> list[Happening]:
        happenings = self._buffer.take_happenings(monotonic)
        jump_seconds = self._clock_watch.jump_seconds(monotonic, wall)
        if jump_seconds is not None:
            happenings.append(Happening("clock_jump", "", {"seconds": round(jump_seconds, 3)}))
        return happenings

    def _tell(self, index: int, happenings: list[Happening], monotonic: float, wall: float) -> None:
        for happening in happenings:
            event = Event(
                node=index,
                boot_id=self._layouts[index].boot_id,
                kind=happening.kind,
                entity=happening.entity,
                monotonic_ms=_milliseconds(monotonic),
                wall_ms=_milliseconds(wall),
                params=happening.params,
            )
            self._buffer.put(index, None, protocol.encode(event), monotonic)


def _milliseconds(seconds: float) -> int:
    return max(0, int(seconds * 1000))
