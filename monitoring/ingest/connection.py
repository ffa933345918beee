"""One agent's connection: hello, samples, acknowledgements. See `monitoring.protocol` for the messages."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dcportal.common.clock import utcnow
from dcportal.common.db import in_thread
from monitoring import catalog, protocol
from monitoring.ingest.book import LiveNode
from monitoring.protocol import (
    Ack,
    Error,
    Event,
    FromIngest,
    Hello,
    HelloReply,
    Processes,
    ProtocolError,
    Sample,
)
from monitoring.store.codec import MISSING
from monitoring.store.journal import SampleRecord
from monitoring.store.layout import Column, Layout

if TYPE_CHECKING:
    from monitoring.ingest.service import Ingest

HELLO_SECONDS = 15.0
SEND_SECONDS = 20.0
FATAL = {"frame_malformed", "frame_too_large", "schema_unsupported", "layout_malformed"}

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Wire:
    """A layout as declared on this connection. `kept`: the columns this node may write."""

    node: LiveNode
    boot: str
    layout: Layout
    width: int
    kept: np.ndarray | None


class Receipts:
    """Which data frames are dealt with; an ack may only name an unbroken run from the first."""

    def __init__(self) -> None:
        self.received = 0
        self.done = 0
        self._ahead: set[int] = set()

    def next(self) -> int:
        self.received += 1
        return self.received

    def finish(self, frame: int) -> None:
        self._ahead.add(frame)
        while self.done + 1 in self._ahead:
            self.done += 1
            self._ahead.remove(self.done)


class AgentConnection:
    """Lives as long as one socket. `token` is what the handshake carried."""

    def __init__(self, ingest: "Ingest", token: str, send: Send) -> None:
        self.ingest, self.token, self._send = ingest, token, send
        self.nodes: dict[int, LiveNode] = {}
        self._wires: dict[tuple[int, int], Wire] = {}
        self._receipts = Receipts()
        self._acked = 0
        self._out: asyncio.Queue[FromIngest | int] = asyncio.Queue()
        self._closing = False

    async def run(self, receive: Receive) -> None:
        """Serve until either side closes."""
        tasks = [asyncio.create_task(self._read(receive)), asyncio.create_task(self._write())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if self._closing:
                await asyncio.wait(tasks[1:], timeout=SEND_SECONDS)
        finally:
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, Exception) and not isinstance(outcome, OSError):
                    raise outcome

    def refuse(self, code: protocol.Code, close: int) -> None:
        """Say why, then close."""
        self._finish(Error(code=code), close)

    def _finish(self, message: FromIngest, close: int) -> None:
        if not self._closing:
            self._closing = True
            self._out.put_nowait(message)
            self._out.put_nowait(close)

    async def _read(self, receive: Receive) -> None:
        while not self._closing:
            try:
                message = await (receive() if self.nodes else asyncio.wait_for(receive(), HELLO_SECONDS))
            except TimeoutError:
                return self.refuse("hello_missing", protocol.CLOSE_BAD_MESSAGE)
            if message["type"] == "websocket.disconnect":
                return
            frame = message.get("bytes")
            await self._take(frame if frame is not None else message.get("text") or "")

    async def _take(self, frame: bytes | str) -> None:
        number = None
        try:
            message = protocol.decode_from_agent(frame)
            if isinstance(message, Hello):
                return await self._hello(message)
            number = self._receipts.next()
            await self._data(message, number)
        except ProtocolError as error:
            self.ingest.counts.refused_frames += 1
            if number is None or error.code in FATAL:
                return self.refuse(error.code, protocol.CLOSE_BAD_MESSAGE)
            self._out.put_nowait(Error(code=error.code, frame=number))
            self._done(number)

    async def _hello(self, hello: Hello) -> None:
        result = await in_thread(self.ingest.door.hello, self.token, hello, utcnow())
        ref = hello.layout.node
        if not result.accepted or result.node_uid is None:
            token_refused = result.code == "token_refused"
            close = protocol.CLOSE_TOKEN_REFUSED if token_refused else protocol.CLOSE_NODE_REFUSED
            code: protocol.Code = "token_refused" if token_refused else "node_refused"
            return self._finish(
                HelloReply(node=ref, accepted=False, code=code, params=_plain(result.params)), close
            )
        name = result.node_name or result.node_uid
        node = self.ingest.book.admitted(result.node_uid, name, result.is_simulated, hello)
        self.nodes[ref] = node
        await self._declare(hello.layout, set(result.accelerators))
        self.ingest.greeted(node)
        self._out.put_nowait(
            HelloReply(node=ref, accepted=True, node_uid=node.uid, admission=result.admission)
        )

    async def _declare(self, declared: protocol.Layout, accelerators: set[str] | None = None) -> None:
        """Keep a layout; columns about accelerators of other nodes are left out of what is stored."""
        node = self._node(declared.node)
        if accelerators is None:
            accelerators = await in_thread(self.ingest.accelerators_ever, node.uid)
        columns = declared.columns()
        kept = [i for i, (entity, _) in enumerate(columns) if _may_write(entity, accelerators)]
        layout = Layout(tuple(_column(*columns[i]) for i in kept))
        wire = Wire(
            node,
            declared.boot_id,
            layout,
            len(columns),
            None if len(kept) == len(columns) else np.array(kept, int),
        )
        self._wires[declared.node, declared.layout] = wire
        if layout.columns:
            self.ingest.recorder.announce(node.uid, layout)

    async def _data(self, message: protocol.FromAgent, number: int) -> None:
        if isinstance(message, Sample):
            await self.ingest.breathing_space()
            return self._sample(message, number)
        if isinstance(message, protocol.Layout):
            await self._declare(message)
        elif isinstance(message, Processes):
            await self.ingest.take_processes(self._node(message.node), message)
        elif isinstance(message, Event):
            await self.ingest.take_event(self._node(message.node), message)
        self._done(number)

    def _sample(self, sample: Sample, number: int) -> None:
        wire = self._wires.get((sample.node, sample.layout))
        if wire is None:
            raise ProtocolError("layout_unknown" if sample.node in self.nodes else "hello_missing")
        if len(sample.values) != wire.width:
            raise ProtocolError("values_mismatch", f"{len(sample.values)} values, {wire.width} columns")
        if not wire.layout.columns:
            return self._done(number)
        second, skew = self.ingest.place(wire.node, wire.boot, sample)
        row = _row(sample.values, wire.kept)
        record = SampleRecord(wire.node.uid, wire.boot, wire.layout.id, second, skew, row)
        self.ingest.recorder.write(record, lambda durable: self._stored(number, durable))

    def _stored(self, number: int, durable: bool) -> None:
        if durable:
            self._done(number)
        else:
            self.refuse("storage_full", protocol.CLOSE_RESTARTING)

    def _done(self, number: int) -> None:
        """Acks of one batch become one message: the writer sends only the newest state."""
        self._receipts.finish(number)
        if self._receipts.done > self._acked and self._out.empty():
            self._out.put_nowait(Ack(frames=self._receipts.done))

    def _node(self, ref: int) -> LiveNode:
        if ref not in self.nodes:
            raise ProtocolError("hello_missing")
        return self.nodes[ref]

    async def _write(self) -> None:
        while True:
            message = await self._out.get()
            async with asyncio.timeout(SEND_SECONDS):
                if isinstance(message, int):
                    with contextlib.suppress(OSError):
                        await self._send({"type": "websocket.close", "code": message})
                    return
                if isinstance(message, Ack):
                    message = Ack(frames=self._receipts.done)
                    self._acked = message.frames
                await self._send({"type": "websocket.send", "bytes": protocol.encode(message)})
            if self._receipts.done > self._acked and self._out.empty():
                self._out.put_nowait(Ack(frames=self._receipts.done))


def _may_write(entity: str, accelerators: set[str]) -> bool:
    return catalog.entity_kind(entity)[0] == "node" or entity in accelerators


def _column(entity: str, metric_id: str) -> Column:
    metric = catalog.find(metric_id)
    if metric is None:
        return Column(entity, metric_id, 1)
    return Column(entity, metric_id, metric.scale, metric.dtype, metric.kind)


def _row(values: list[int | None], kept: np.ndarray | None) -> np.ndarray:
    if None in values:
        values = [MISSING if value is None else value for value in values]
    row = np.array(values, dtype=np.int64)
    return row if kept is None else row[kept]


def _plain(params: dict[str, Any]) -> protocol.Params:
    """Only what the wire can carry."""
    return {
        name: value if isinstance(value, int | float) else str(value)[:255] for name, value in params.items()
    }
