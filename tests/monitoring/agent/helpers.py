"""A clock moved by hand, a small ingest that behaves like the real one, and waiting with a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from monitoring import protocol
from monitoring.agent.clock import Clock
from monitoring.agent.collectors.base import Happening, Values
from monitoring.protocol import ColumnGroup, NodeFacts, Process

DEADLINE_SECONDS = 10.0


class HandClock(Clock):
    """Stands still until it is moved."""

    def __init__(self, monotonic: float = 1000.0, wall: float = 1_700_000_000.0) -> None:
        self._monotonic, self._wall = monotonic, wall

    def monotonic(self) -> float:
        return self._monotonic

    def wall(self) -> float:
        return self._wall

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        self.advance(seconds)
        return stop.is_set()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._monotonic += seconds
        self._wall += seconds

    def set_wall(self, seconds: float) -> None:
        """Somebody sets the wall clock `seconds` ahead (or back)."""
        self._wall += seconds


class PlainNode:
    """A node with two columns whose values a test chooses."""

    collector = "real"

    def __init__(self, boot_id: str = "boot-1") -> None:
        self.boot_id = boot_id
        self.columns = [ColumnGroup("", ["cpu_utilisation_ratio", "memory_used_bytes"])]
        self.values: Values = [500, 1024]
        self.changed = True
        self.happenings: list[Happening] = []
        self.processes: list[Process] | None = None

    def refresh(self, monotonic: float) -> bool:
        changed, self.changed = self.changed, False
        return changed

    def facts(self) -> NodeFacts:
        return NodeFacts(hostname="plain", machine_id="m", boot_id=self.boot_id)

    def groups(self) -> list[ColumnGroup]:
        return self.columns

    def read(self, monotonic: float) -> Values:
        return self.values

    def take_happenings(self) -> list[Happening]:
        taken, self.happenings = self.happenings, []
        return taken

    def take_processes(self) -> list[Process] | None:
        taken, self.processes = self.processes, None
        return taken

    def close(self) -> None:
        pass


class SmallIngest:
    """A real websocket server that keeps what it acknowledges. Stop and start it on the same port."""

    def __init__(self, *, token: str = "right") -> None:
        self.token = token
        self.port = 0
        self.acknowledges = True
        self.refusal: protocol.HelloReply | None = None
        self.hellos: list[protocol.Hello] = []
        self.layouts: list[protocol.Layout] = []
        self.samples: list[protocol.Sample] = []
        self.events: list[protocol.Event] = []
        self.processes: list[protocol.Processes] = []
        self.boots: dict[tuple[int, int], str] = {}
        self.seen: list[tuple[str, int]] = []  # (boot, seq) in order of arrival
        self._sockets: set[ServerConnection] = set()
        self._server: Any = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/agent/"

    def start(self) -> SmallIngest:
        self._server = serve(self._session, "127.0.0.1", self.port, compression=None)
        self.port = self._server.socket.getsockname()[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def stop(self) -> None:
        """Cut every connection at once, without a goodbye, and stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server = None
        for socket in list(self._sockets):
            _cut(socket)

    def _session(self, socket: ServerConnection) -> None:
        self._sockets.add(socket)
        try:
            if socket.request.headers.get("Authorization") != f"Bearer {self.token}":
                self._refuse(socket, protocol.HelloReply(node=0, accepted=False, code="token_refused"))
            elif self.refusal is not None:
                self._refuse(socket, self.refusal)
            else:
                self._serve(socket)
        except (ConnectionClosed, OSError):
            return
        finally:
            self._sockets.discard(socket)

    def _refuse(self, socket: ServerConnection, reply: protocol.HelloReply) -> None:
        socket.recv(timeout=5)
        socket.send(protocol.encode(reply))
        socket.close(protocol.CLOSE_TOKEN_REFUSED)

    def _serve(self, socket: ServerConnection) -> None:
        frames = 0
        declared: dict[tuple[int, int], protocol.Layout] = {}
        for frame in socket:
            message = protocol.decode_from_agent(frame)
            if isinstance(message, protocol.Hello):
                self.hellos.append(message)
                declared[message.layout.node, message.layout.layout] = message.layout
                reply = protocol.HelloReply(node=message.layout.node, accepted=True, node_uid="nodeuid00001")
                socket.send(protocol.encode(reply))
                continue
            frames += 1
            if not self.acknowledges:
                continue
            self._keep(message, declared)
            socket.send(protocol.encode(protocol.Ack(frames=frames)))

    def _keep(self, message: protocol.FromAgent, declared: dict[tuple[int, int], protocol.Layout]) -> None:
        if isinstance(message, protocol.Layout):
            self.layouts.append(message)
            declared[message.node, message.layout] = message
        elif isinstance(message, protocol.Sample):
            layout = declared[message.node, message.layout]
            protocol.check_sample(message, layout)
            self.samples.append(message)
            self.seen.append((layout.boot_id, message.seq))
        elif isinstance(message, protocol.Event):
            self.events.append(message)
        elif isinstance(message, protocol.Processes):
            self.processes.append(message)


def _cut(socket: ServerConnection) -> None:
    import socket as sockets

    try:
        socket.socket.shutdown(sockets.SHUT_RDWR)
    except OSError:
        return


def eventually(condition: Callable[[], Any], what: str = "") -> Any:
    """The condition's first true answer. Fails after `DEADLINE_SECONDS`."""
    until = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"never came true: {what or condition}")
