"""Puts the agent together and runs it until SIGTERM or Ctrl-C."""

from __future__ import annotations

import fcntl
import gc
import logging
import os
import signal
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from monitoring.agent.buffer import Buffer
from monitoring.agent.clock import Clock
from monitoring.agent.collectors.base import Node
from monitoring.agent.config import Config, read_token
from monitoring.agent.facts import boot_id, machine_id
from monitoring.agent.layouts import Layouts
from monitoring.agent.sampler import Sampler
from monitoring.agent.sender import Connect, Sender, connector
from monitoring.agent.session import Link, Session
from monitoring.agent.spill import Spill
from monitoring.agent.station import Station

log = logging.getLogger("dcportal.agent")
_KEEP_SECONDS = 24 * 3600.0
_LAST_WORDS_SECONDS = 2.0


class AlreadyRunning(Exception):
    """Another agent holds this data folder."""


class Agent:
    """All parts of a running agent. `run` blocks until `stop` is set; `close` saves what is unsent."""

    def __init__(self, config: Config, *, clock: Clock | None = None, connect: Connect | None = None) -> None:
        self._clock = clock or Clock()
        self.stop = threading.Event()
        name = f"simulated-{config.fleet}-{config.seed}" if config.fleet else "real"
        folder = config.data_dir / name
        self._lock = _lock(folder)
        self._layouts = Layouts()
        self._spill = None if config.fleet else self._load_spill(folder / "unsent", config.interval_seconds)
        self.buffer = Buffer(self._spill)
        self.nodes = self._nodes(config)
        self.station = Station(
            self._layouts,
            collector=self.nodes[0].collector,
            interval_seconds=config.interval_seconds,
            memory=folder / "uids.json",
        )
        self.sampler = Sampler(
            self.nodes,
            station=self.station,
            buffer=self.buffer,
            clock=self._clock,
            interval_seconds=config.interval_seconds,
            phase=own_phase(machine_id()),
        )
        self.sender = Sender(
            connect=connect or connector(config.url, lambda: read_token(config.token_file), config.ca_file),
            make_session=self._session,
            buffer=self.buffer,
        )

    def run(self) -> None:
        """Sample and deliver until `stop` is set."""
        self.sampler.introduce()
        self.sender.start()
        gc.collect()
        gc.freeze()  # modules stay: the collector need not walk them again
        self.sampler.run(self.stop)

    def close(self) -> None:
        """Deliver for a moment, put the rest on disk, give everything back."""
        self.buffer.wake()
        if self.sender.connected.is_set():
            self._wait_for_acks()
        self.sender.stop()
        self.buffer.save(self._clock.monotonic())
        for node in self.nodes:
            node.close()
        if self.buffer.pending:
            log.info("%d frames are kept on disk for the next start", self.buffer.pending)
        self._lock.close()

    def _wait_for_acks(self) -> None:
        deadline = self._clock.monotonic() + _LAST_WORDS_SECONDS
        while self.buffer.pending and self.sender.connected.is_set() and self._clock.monotonic() < deadline:
            self.buffer.wake()
            threading.Event().wait(0.05)

    def _nodes(self, config: Config) -> Sequence[Node]:
        if config.fleet:
            from monitoring.agent.collectors.simulated import make_fleet

            return make_fleet(config.fleet.nodes, config.fleet.gpus, seed=config.seed, host_boot_id=boot_id())
        from monitoring.agent.machine import (
            this_machine,
        )  # NVML and psutil are not needed for a made-up fleet

        return [
            this_machine(clock=self._clock, per_core=config.per_core, dropped=lambda: self.buffer.dropped)
        ]

    def _load_spill(self, folder: Path, interval_seconds: float) -> Spill | None:
        spill = Spill(folder, self._layouts, max_frames=int(_KEEP_SECONDS / interval_seconds))
        try:
            spill.load()
        except OSError as error:
            log.error("buffer: no folder for unsent readings (%s); an outage above 120 s loses some", error)
            return None
        return spill

    def _session(self, link: Link) -> Session:
        return Session(
            link,
            station=self.station,
            buffer=self.buffer,
            layouts=self._layouts,
            spill=self._spill,
            clock=self._clock,
        )


def run_until_signalled(agent: Agent) -> None:
    """Run; SIGTERM and SIGINT end it in good order."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop.set())
    try:
        agent.run()
    finally:
        agent.close()


def own_phase(name: str) -> float:
    """Where in the second this machine measures, 0.2 to 0.8: nodes spread, none at a slot's edge."""
    return 0.2 + 0.6 * (zlib.crc32(name.encode()) % 1000) / 1000


def _lock(folder: Path) -> TextIO:
    """Hold `folder` for this process. Raises AlreadyRunning, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    file = open(folder / "lock", "a+", opener=_private)  # noqa: SIM115 - held as long as the agent lives
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise AlreadyRunning(str(folder)) from None
    return file


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
