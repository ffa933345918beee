"""The second NVML thread: opens and re-opens the driver, takes the slow readings, listens for XIDs.

Only this thread opens NVML. It holds `gate` while it does, so that the quick readings never use a
handle of the table before.
"""

from __future__ import annotations

import ctypes
import logging
import queue
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pynvml

from monitoring.agent.clock import Clock
from monitoring.agent.collectors.base import Happening
from monitoring.agent.collectors.nvml.census import Census
from monitoring.agent.collectors.nvml.devices import (
    KERNEL_GPUS,
    Device,
    Table,
    differences,
    enumerate_devices,
    kernel_count,
)
from monitoring.agent.collectors.nvml.gateway import DriverGone, Gateway, GpuLost
from monitoring.agent.collectors.nvml.slow import ROUNDS, Round
from monitoring.agent.processes import ProcessReader
from monitoring.protocol import Process

log = logging.getLogger("dcportal.agent")
_MOST_XIDS_A_ROUND = 64


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between the watcher's rounds of each kind."""

    round: float = 1.0
    readings_factor: float = 1.0  # of each slow round's own interval
    processes: float = 5.0
    reprobe: float = 30.0
    reprobe_cap: float = 600.0
    forget: float = 300.0


@dataclass(frozen=True, slots=True)
class Driver:
    """What is there: versions (None while no driver answers) and GPUs."""

    version: str | None = None
    cuda: str | None = None
    table: Table = ()


@dataclass(slots=True)
class _Due:
    readings: dict[int, float] = field(default_factory=dict)
    processes: float = 0.0
    probe: float = 0.0
    forget: float = 0.0
    wait: float = field(default=0.0)


class Watcher:
    """Runs until `close`. The collector reads `driver`, `happenings` and `processes`."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        clock: Clock,
        pace: Pace | None = None,
        kernel_gpus: Path = KERNEL_GPUS,
        reader: ProcessReader | None = None,
    ) -> None:
        self.gateway = gateway
        self.gate = threading.Lock()
        self.driver = Driver()
        self.happenings: queue.SimpleQueue[Happening] = queue.SimpleQueue()
        self.processes: queue.SimpleQueue[list[Process]] = queue.SimpleQueue()
        self.reopen = threading.Event()
        self.first_look = threading.Event()
        self._clock, self._pace, self._kernel_gpus = clock, pace or Pace(), kernel_gpus
        self._census = Census(gateway, reader or ProcessReader())
        self._due = _Due(wait=self._pace.reprobe)
        self._event_set: Any = None
        self._absent: int | None = None
        self._last_complaint = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nvml-watcher", daemon=True)

    def start(self) -> None:
        """Begin; `first_look` is set once the driver was tried."""
        self._thread.start()

    def close(self) -> None:
        """End the thread (a hung driver call is left behind) and shut NVML down."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2.0)
        if not self._thread.is_alive():
            self.gateway.close()

    def mark_lost(self, device: Device) -> None:
        """Say once that `device` does not answer any more."""
        if not device.lost:
            device.lost = True
            log.error("nvml: GPU %d (%s) is lost; the others go on", device.index, device.uuid)
            self.happenings.put(Happening("accelerator_lost", device.uuid, {"index": device.index}))

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._round(self._clock.monotonic())
            except Exception as error:  # the thread must outlive any surprise of a driver
                self._complain(error)
            self.first_look.set()
            self._stop.wait(self._pace.round)

    def _complain(self, error: Exception) -> None:
        """Each surprise once; the readings it prevented go stale and then None."""
        if repr(error) != self._last_complaint:
            self._last_complaint = repr(error)
            log.error("nvml: this round failed", exc_info=error)

    def _round(self, now: float) -> None:
        try:
            if self._must_open(now):
                self._open(now)
            if self._absent is None:
                self._look(now)
        except DriverGone as error:
            self._driver_is_gone(error, now)

    def _look(self, now: float) -> None:
        self._listen()
        for number, round_ in enumerate(ROUNDS):
            if now >= self._due.readings.get(number, 0.0):
                self._due.readings[number] = now + round_.every_seconds * self._pace.readings_factor
                self._read_all(number, round_, now)
        if now >= self._due.processes:
            self._due.processes = now + self._pace.processes
            self._count_processes(now)
        if now >= self._due.forget:
            self._due.forget = now + self._pace.forget
            self.gateway.forget()

    # -- opening ----------------------------------------------------------------------------------
    def _must_open(self, now: float) -> bool:
        if self.reopen.is_set():
            return True
        if now < self._due.probe:
            return False
        self._due.probe = now + self._due.wait
        return self._absent is not None or not self.first_look.is_set() or self._table_is_old()

    def _table_is_old(self) -> bool:
        """A lost GPU may be back, or the kernel counts other GPUs than NVML did at init."""
        table = self.driver.table
        lost = any(device.lost for device in table)
        self._due.wait = min(self._due.wait * 2, self._pace.reprobe_cap) if lost else self._pace.reprobe
        count = kernel_count(self._kernel_gpus)
        return lost or (count is not None and count != len(table))

    def _open(self, now: float) -> None:
        self.reopen.clear()
        known = self.driver.table
        with self.gate:
            self.gateway.open()
            table = enumerate_devices(self.gateway, known)
        self._event_set = self._subscribe(table)
        self._tell_opened(table, differences(known, table))
        self.driver = Driver(self._version(), self._cuda(), table)
        self._due.readings.clear()
        self._due.processes = now

    def _tell_opened(self, table: Table, changes: list[Happening]) -> None:
        if self._absent is not None:
            self.happenings.put(Happening("driver_back"))
        self._absent = None
        if changes or not self.first_look.is_set():
            log.info("nvml: %d GPUs", len(table))
        for change in changes if self.first_look.is_set() else ():
            self.happenings.put(change)

    def _driver_is_gone(self, error: DriverGone, now: float) -> None:
        self._due.probe = now + self._pace.reprobe
        self.reopen.clear()
        if self._absent is None:
            log.info("nvml: %s; looking again every %.0f s", error, self._pace.reprobe)
            if self.driver.table:
                self.happenings.put(Happening("driver_missing", "", {"nvml_error": error.code}))
        self._absent = error.code
        for device in self.driver.table:
            device.lost = True
        self.driver = Driver(table=self.driver.table)

    def _version(self) -> str | None:
        return self.gateway.ask("nvmlSystemGetDriverVersion")

    def _cuda(self) -> str | None:
        number = self.gateway.ask("nvmlSystemGetCudaDriverVersion_v2")
        return f"{number // 1000}.{number % 1000 // 10}" if number else None

    # -- slow readings ----------------------------------------------------------------------------
    def _read_all(self, number: int, round_: Round, now: float) -> None:
        for device in self.driver.table:
            if device.lost:
                continue
            try:
                device.slow[number] = (now, round_.read(self.gateway, device))
            except GpuLost:
                self.mark_lost(device)

    def _count_processes(self, now: float) -> None:
        news = self._census.news(self.driver.table, now)
        if news is not None:
            self.processes.put(news)

    # -- XIDs -------------------------------------------------------------------------------------
    def _subscribe(self, table: Table) -> Any:
        event_set = self.gateway.ask("nvmlEventSetCreate")
        for device in table if event_set is not None else ():
            if not device.lost:
                self._register(event_set, device)
        return event_set

    def _register(self, event_set: Any, device: Device) -> None:
        kinds = pynvml.nvmlEventTypeXidCriticalError
        try:
            self.gateway.ask("nvmlDeviceRegisterEvents", device.handle, kinds, event_set, key=device.index)
        except GpuLost:
            self.mark_lost(device)

    def _listen(self) -> None:
        for _ in range(_MOST_XIDS_A_ROUND):
            data = self._next_event()
            if data is None:
                return
            if data.eventType == pynvml.nvmlEventTypeXidCriticalError:
                self._tell_xid(data)

    def _next_event(self) -> Any:
        if self._event_set is None:
            return None
        try:
            return self.gateway.ask("nvmlEventSetWait_v2", self._event_set, 0)  # a timeout answers None
        except GpuLost:
            return None

    def _tell_xid(self, data: Any) -> None:
        xid = int(data.eventData)
        device = self._by_handle(data.device)
        if device is not None:
            device.xid_count += 1
        log.error("nvml: XID %d on GPU %s", xid, device.index if device else "unknown")
        self.happenings.put(Happening("xid", device.uuid if device else "", {"xid": xid}))

    def _by_handle(self, handle: Any) -> Device | None:
        address = _address(handle)
        for device in self.driver.table:
            if device.handle is not None and _address(device.handle) == address:
                return device
        return None


def _address(handle: Any) -> int | None:
    return ctypes.cast(handle, ctypes.c_void_p).value
