"""Ingest as a whole: the one holder of rings, journal, store, liveness and the live ticker."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from dcportal import env
from dcportal.common.clock import utcnow
from dcportal.common.db import in_thread
from monitoring.hub import Hub, hub
from monitoring.ingest.book import LiveNode, NodeBook
from monitoring.ingest.clocks import BootClock
from monitoring.ingest.connection import AgentConnection
from monitoring.ingest.ports import Door
from monitoring.ingest.sweeps import Sweeps
from monitoring.ingest.ticker import Ticker
from monitoring.protocol import Event, Processes, Sample
from monitoring.store.base import Retention
from monitoring.store.holder import HolderLock
from monitoring.store.reader import TelemetryReader
from monitoring.store.recorder import Receipt, Recorder
from monitoring.store.sqlite import SqliteStore

logger = logging.getLogger(__name__)

MAX_BACKLOG = 20_000
"""Rows waiting for the journal above which agents have to wait: about 20 MB."""


class NotHolder(RuntimeError):
    """This process has the role `web`: agents have to go to the ingest process."""


@dataclass(slots=True)
class IngestCounts:
    """For /metrics."""

    hellos: int = 0
    refused_frames: int = 0
    events: int = 0


class Ingest:
    """Starts with `start`, ends with `stop`; all in one event loop except the recorder's writer thread."""

    def __init__(self, root: Path, door: Door, topics: Hub = hub, retention: Retention | None = None) -> None:
        self.root, self.door, self.hub = root, door, topics
        self.counts, self.book = IngestCounts(), NodeBook()
        self.connections: set[AgentConnection] = set()
        self.store = SqliteStore(root, retention=retention)
        self.recorder = Recorder(root, self.store, utcnow, self._deliver)
        self.reader = TelemetryReader(self.store, self.recorder.ring, retention)
        self._clocks: dict[tuple[str, str], BootClock] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Bring back what the journal holds, then start ticking and sweeping."""
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self.recorder.open)
        self.book.refresh(await in_thread(self.door.nodes))
        self.ticker, self.sweeps = Ticker(self), Sweeps(self)
        for work in (self.ticker.run, self.sweeps.run):
            self._tasks.append(asyncio.create_task(self._forever(work)))

    async def stop(self) -> None:
        """Stop taking samples and journal what waits; agents keep what was not acknowledged."""
        for connection in list(self.connections):
            connection.refuse("not_holder", 1012)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self.recorder.close)

    async def _forever(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """A loop must not end because one round failed."""
        while True:
            try:
                await work()
            except Exception:
                logger.exception("%s failed, it goes on", work.__qualname__)
            await asyncio.sleep(1)

    # What connections call

    def greeted(self, node: LiveNode) -> None:
        self.counts.hellos += 1
        self.ticker.forget_selection(node.uid)

    def place(self, node: LiveNode, boot: str, sample: Sample) -> tuple[int, int]:
        """Wall second and clock skew (ms) of a sample; notes that the node lives."""
        now = utcnow()
        now_ms = int(now.timestamp() * 1000)
        clock = self._clocks.get((node.uid, boot))
        if clock is None:
            clock = BootClock.pinned(sample.monotonic_ms, sample.wall_ms, now_ms)
            self._clocks[node.uid, boot] = clock
        second = clock.second(sample.monotonic_ms, sample.wall_ms, now_ms)
        if clock.advances(sample.monotonic_ms):
            node.touch(now)
        return second, max(-(2**31), min(2**31 - 1, clock.skew))

    async def breathing_space(self) -> None:
        """Wait while the journal is far behind, so that memory stays bounded."""
        while self.recorder.backlog() > MAX_BACKLOG:
            await asyncio.sleep(0.05)

    def accelerators_ever(self, uid: str) -> set[str]:
        """Accelerators this node has sent readings of before."""
        return set(self.reader.metrics_of(uid))

    async def take_processes(self, node: LiveNode, message: Processes) -> None:
        node.processes = list(message.processes)
        await in_thread(self.door.note_processes, node.uid, node.processes, utcnow())

    async def take_event(self, node: LiveNode, event: Event) -> None:
        self.counts.events += 1
        now = utcnow()
        at = datetime.fromtimestamp(min(event.wall_ms / 1000, now.timestamp()), UTC)
        await in_thread(self.door.note_event, node.uid, event, at)
        message = {"kind": event.kind, "entity": event.entity, "params": event.params, "at": at.timestamp()}
        self.hub.publish_event(f"node:{node.uid}", message)

    def _deliver(self, receipts: list[Receipt], durable: bool) -> None:
        """Called by the writer thread."""

        def call() -> None:
            for receipt in receipts:
                receipt(durable)

        if self._loop is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # the loop closed in between
                self._loop.call_soon_threadsafe(call)


class _Holder:
    """The ingest of this process, if it is the one."""

    def __init__(self) -> None:
        self.ingest: Ingest | None = None
        self.lock: HolderLock | None = None
        self.starting: asyncio.Lock | None = None


_holder = _Holder()


def telemetry_root() -> Path:
    """The folder of the telemetry store."""
    return Path(settings.DATA_DIR) / "telemetry"


def retention() -> Retention:
    """DCP_TELEMETRY_RAW_DAYS, DCP_TELEMETRY_MINUTE_DAYS, DCP_TELEMETRY_HOUR_DAYS."""
    default = Retention()
    return Retention(
        env.whole_number("DCP_TELEMETRY_RAW_DAYS", default.raw_days),
        env.whole_number("DCP_TELEMETRY_MINUTE_DAYS", default.minute_days),
        env.whole_number("DCP_TELEMETRY_HOUR_DAYS", default.hour_days),
    )


def current() -> Ingest | None:
    """The running ingest of this process; None in a web process and before the start."""
    return _holder.ingest


async def running() -> Ingest:
    """The ingest of this process, started on first use. Raises NotHolder or HeldElsewhere."""
    if _holder.ingest is not None:
        return _holder.ingest
    if env.role() == "web":
        raise NotHolder("DCP_ROLE=web")
    if _holder.starting is None:
        _holder.starting = asyncio.Lock()
    async with _holder.starting:
        if _holder.ingest is None:
            await _start()
    assert _holder.ingest is not None
    return _holder.ingest


async def _start() -> None:
    from monitoring.ingest.door import InventoryDoor

    lock = HolderLock(telemetry_root())
    lock.acquire()
    ingest = Ingest(telemetry_root(), InventoryDoor(), retention=retention())
    try:
        await ingest.start()
    except BaseException:
        lock.release()
        raise
    _holder.ingest, _holder.lock = ingest, lock


async def shut_down() -> None:
    """End the ingest of this process and let another one take over."""
    ingest, lock = _holder.ingest, _holder.lock
    _holder.ingest = _holder.lock = _holder.starting = None
    if ingest is not None:
        await ingest.stop()
    if lock is not None:
        lock.release()


async def lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """ASGI lifespan: start with the server rather than with the first agent, stop in good order."""
    await receive()
    try:
        await running()
    except Exception as error:
        # A web process serves pages without ingest; a second ingest process must not stop pages either.
        logger.warning("telemetry is not taken in by this process: %s", error)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await shut_down()
    await send({"type": "lifespan.shutdown.complete"})
