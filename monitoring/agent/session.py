"""One connection to ingest: hello, live frames first, old ones behind, acknowledgements."""

from __future__ import annotations

import logging
from collections import deque
from typing import Protocol

from monitoring import protocol
from monitoring.agent.buffer import Buffer
from monitoring.agent.clock import Clock
from monitoring.agent.layouts import Layouts
from monitoring.agent.replay import Replay
from monitoring.agent.segments import Frame
from monitoring.agent.spill import Spill
from monitoring.agent.station import Station
from monitoring.protocol import Ack, Error, HelloReply, ProtocolError

log = logging.getLogger("dcportal.agent")
HELLO_PATIENCE_SECONDS = 15.0


class Link(Protocol):
    """The part of a websocket that a session needs."""

    def send(self, message: bytes) -> None:
        """Send one binary frame; blocks while the other side does not read."""

    def recv(self, timeout: float | None = None) -> bytes | str:
        """The next frame. Raises TimeoutError when none came in time."""


class Refused(Exception):
    """Ingest does not want this node. `code` is one of `protocol.Code`."""

    def __init__(self, code: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(code)
        self.code, self.retry_after_seconds = code, retry_after_seconds


class Session:
    """Made per connection; `greet` once, then `step` once a tick until something raises."""

    def __init__(
        self,
        link: Link,
        *,
        station: Station,
        buffer: Buffer,
        layouts: Layouts,
        spill: Spill | None,
        clock: Clock,
        replay_frames_per_second: int | None = None,
    ) -> None:
        self._link, self._station, self._buffer, self._layouts = link, station, buffer, layouts
        self._clock = clock
        self._replay = Replay(spill, layouts) if spill else None
        self._replay_rate = replay_frames_per_second
        self._replay_rate_fixed = replay_frames_per_second is not None
        self._replay_credit = 0.0
        self._stepped_at = clock.monotonic()
        self._in_flight: deque[int | None] = deque()  # ids of data frames sent here; None: nothing to forget
        self._in_flight_ids: set[int] = set()
        self._declared: set[tuple[int, int]] = set()
        self._acked_frames = 0
        self._sent_up_to = -1
        self._said_version = self._said_processes = -1

    @property
    def acked_frames(self) -> int:
        """Data frames of this connection that ingest acknowledged."""
        return self._acked_frames

    def greet(self) -> None:
        """Introduce every node and wait for the answers. Raises Refused, ProtocolError, TimeoutError."""
        waiting = self._say_hello()
        while waiting:
            message = self._receive(HELLO_PATIENCE_SECONDS)  # per answer: a large fleet has many
            if isinstance(message, HelloReply):
                waiting.discard(message.node)

    def step(self) -> None:
        """Send what is new, some of what is old, and take what came in. Raises Refused, OSError."""
        if self._said_version != self._station.version:
            self._say_hello()
        for frame in self._buffer.after(self._sent_up_to):
            self._send(frame)
            self._sent_up_to = frame.id
        self._say_processes()
        self._send_old()
        self.take_replies()

    def _say_hello(self) -> set[int]:
        self._said_version = self._station.version
        hellos = self._station.hellos()
        for hello in hellos:
            self._link.send(protocol.encode(hello))
            self._declared.add((hello.layout.node, hello.layout.layout))
        return {hello.layout.node for hello in hellos}

    def _say_processes(self) -> None:
        if self._said_processes == self._station.processes_version:
            return
        self._said_processes = self._station.processes_version
        for processes in self._station.processes():
            self._send_data(protocol.encode(processes), None)

    def _send(self, frame: Frame) -> None:
        if frame.layout is not None and (frame.node, frame.layout) not in self._declared:
            self._declared.add((frame.node, frame.layout))
            self._send_data(protocol.encode(self._layouts.get(frame.node, frame.layout)), None)
        self._send_data(frame.payload, frame.id)

    def _send_data(self, payload: bytes, frame_id: int | None) -> None:
        self._in_flight.append(frame_id)
        if frame_id is not None:
            self._in_flight_ids.add(frame_id)
        self._link.send(payload)

    def _send_old(self) -> None:
        if self._replay is None:
            return
        now = self._clock.monotonic()
        rate = self._replay_rate or 1
        self._replay_credit = min(rate, self._replay_credit + (now - self._stepped_at) * rate)
        self._stepped_at = now
        # no more than two seconds' worth unacknowledged: live frames must not queue behind old ones
        most = min(int(self._replay_credit), 2 * rate - len(self._in_flight))
        for frame in self._buffer.replayed(self._replay, most, self._in_flight_ids) if most > 0 else ():
            self._send(frame)
            self._replay_credit -= 1

    def take_replies(self) -> None:
        """Take what came in already, also from a link that has closed meanwhile."""
        while True:
            try:
                self._receive(0)
            except TimeoutError:
                return

    def _receive(self, seconds: float) -> protocol.FromIngest:
        message = protocol.decode_from_ingest(self._link.recv(timeout=seconds))
        if isinstance(message, Ack):
            self._forget(message.frames)
        elif isinstance(message, HelloReply):
            self._welcome(message)
        elif isinstance(message, Error):
            self._complain(message)
        return message

    def _forget(self, frames: int) -> None:
        newly = frames - self._acked_frames
        if newly > len(self._in_flight):
            raise ProtocolError(
                "frame_malformed", f"ack of {frames} frames, {len(self._in_flight)} in flight"
            )
        ids = [self._in_flight.popleft() for _ in range(newly)]
        known = [frame_id for frame_id in ids if frame_id is not None]
        self._in_flight_ids.difference_update(known)
        self._acked_frames = max(self._acked_frames, frames)
        self._buffer.ack(known)

    def _welcome(self, reply: HelloReply) -> None:
        if not reply.accepted:
            raise Refused(reply.code, reply.retry_after_seconds)
        self._station.learn_uid(reply.node, reply.node_uid)
        if not self._replay_rate_fixed:
            self._replay_rate = reply.replay_frames_per_second

    def _complain(self, error: Error) -> None:
        if error.frame is None:
            raise Refused(error.code)
        log.error("ingest refused frame %d: %s %s", error.frame, error.code, error.params or "")
