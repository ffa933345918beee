"""A door without a database and an agent without a network: the real messages, the real endpoint."""

import asyncio
import time
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from dcportal.inventory.introductions import HelloResult
from monitoring import protocol
from monitoring.ingest.endpoint import agent_socket
from monitoring.ingest.ports import KnownNode
from monitoring.protocol import (
    AcceleratorFacts,
    ColumnGroup,
    Event,
    Hello,
    HelloReply,
    Layout,
    NodeFacts,
    Process,
    Sample,
)

GROUPS = [
    ColumnGroup("", ["cpu_utilisation_ratio", "memory_used_bytes"]),
    ColumnGroup("GPU-a", ["gpu_power_draw_watts"]),
]


class FakeDoor:
    """Admits the tokens it was given; a token's nodes are named after host names."""

    def __init__(self, tokens: dict[str, set[str]]) -> None:
        self.tokens = tokens
        self.foreign: set[str] = set()
        self.heartbeats: list[list[str]] = []
        self.liveness: list[tuple[str, str]] = []
        self.processes: list[tuple[str, list[Process]]] = []
        self.events: list[tuple[str, Event]] = []
        self.known: dict[str, KnownNode] = {}

    def hello(self, token: str, hello: Hello, now: datetime) -> HelloResult:
        if token not in self.tokens:
            return HelloResult(accepted=False, code="token_refused", params={"why": "unknown_or_revoked"})
        uid = hello.facts.hostname
        if uid not in self.tokens[token]:
            return HelloResult(accepted=False, code="node_refused", params={"why": "node_has_another_token"})
        simulated = hello.collector == "simulated"
        self.known[uid] = KnownNode(uid, uid, is_simulated=simulated)
        own = {each.uuid: "x" for each in hello.facts.accelerators if each.uuid not in self.foreign}
        return HelloResult(True, node_uid=uid, node_name=uid, is_simulated=simulated, accelerators=own)

    def revoked(self, held: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        return {(token, uid) for token, uid in held if uid not in self.tokens.get(token, set())}

    def nodes(self) -> list[KnownNode]:
        return list(self.known.values())

    def note_liveness(self, uid: str, liveness: str, last_seen_at: datetime | None, now: datetime) -> None:
        self.liveness.append((uid, liveness))

    def note_heartbeats(self, uids: Collection[str], now: datetime) -> None:
        self.heartbeats.append(list(uids))

    def note_processes(self, uid: str, processes: list[Process], now: datetime) -> None:
        self.processes.append((uid, processes))

    def note_event(self, uid: str, event: Event, at: datetime) -> None:
        self.events.append((uid, event))


class FakeAgent:
    """One socket to `agent_socket`, driven by the test."""

    def __init__(self, token: str | None = "secret") -> None:
        headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
        self.scope: dict[str, Any] = {"type": "websocket", "path": "/ws/agent/", "headers": headers}
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.seq = 0

    async def __aenter__(self) -> "FakeAgent":
        self.task = asyncio.create_task(agent_socket(self.scope, self.inbox.get, self._send))
        self.inbox.put_nowait({"type": "websocket.connect"})
        assert (await self._next())["type"] == "websocket.accept"
        return self

    async def __aexit__(self, *details: object) -> None:
        self.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(self.task, 10)

    async def _send(self, message: dict[str, Any]) -> None:
        self.outbox.put_nowait(message)

    async def _next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.outbox.get(), 10)

    def send(self, frame: Any) -> None:
        """A protocol message, or raw bytes or text."""
        key = "text" if isinstance(frame, str) else "bytes"
        raw = frame if isinstance(frame, bytes | str) else protocol.encode(frame)
        self.inbox.put_nowait({"type": "websocket.receive", key: raw})

    async def answer(self) -> protocol.FromIngest | int:
        """The next message, or the close code."""
        message = await self._next()
        if message["type"] == "websocket.close":
            return int(message["code"])
        return protocol.decode_from_ingest(message["bytes"])

    async def greet(self, hostname: str = "node1", **more: Any) -> HelloReply:
        self.send(hello(hostname, **more))
        reply = await self.answer()
        assert isinstance(reply, HelloReply)
        return reply

    async def acked(self, frames: int) -> None:
        """Wait for the ack of that many frames."""
        while (message := await self.answer()) != protocol.Ack(frames=frames):
            assert isinstance(message, protocol.Ack), message

    def sample(self, wall: float, values: list[int | None] | None = None, **more: Any) -> None:
        self.seq += 1
        numbers = [500, 8_000, 120_000] if values is None else values
        fields = {"node": 0, "layout": 0, "seq": self.seq, "monotonic_ms": int(wall * 1000) % 10**9, **more}
        self.send(Sample(wall_ms=int(wall * 1000), values=numbers, **fields))


def hello(hostname: str = "node1", ref: int = 0, collector: Any = "real", boot: str = "boot-1") -> Hello:
    facts = NodeFacts(
        hostname=hostname,
        machine_id=f"machine-{hostname}",
        boot_id=boot,
        memory_total_bytes=16_000,
        accelerators=[AcceleratorFacts(uuid="GPU-a", index=0, name="H200", memory_total_bytes=100)],
    )
    layout = Layout(node=ref, layout=0, boot_id=boot, groups=GROUPS)
    return Hello(agent_version="1", collector=collector, facts=facts, layout=layout)


def this_second() -> int:
    return int(time.time())
