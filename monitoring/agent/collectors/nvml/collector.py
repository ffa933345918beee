"""The NVML collector: quick readings at every tick, the watcher's slow ones beside them."""

from __future__ import annotations

import logging
import queue

from monitoring.agent.clock import Clock
from monitoring.agent.collectors.base import Aside, Happening, T, Values
from monitoring.agent.collectors.nvml import quick, slow
from monitoring.agent.collectors.nvml.devices import Device, Table
from monitoring.agent.collectors.nvml.gateway import DriverGone, GpuLost
from monitoring.agent.collectors.nvml.watcher import Driver, Watcher
from monitoring.protocol import AcceleratorFacts, ColumnGroup, Process

log = logging.getLogger("dcportal.agent")
METRICS = list(quick.QUICK_METRICS + slow.SLOW_METRICS)
_NOTHING: Values = [None] * len(METRICS)
_FIRST_LOOK_SECONDS = 10.0


class NvmlCollector:
    """All NVIDIA GPUs of this machine. No driver, a lost GPU or a missing function is ordinary."""

    name = "nvml"

    def __init__(self, watcher: Watcher, *, clock: Clock, patience_seconds: float = 0.4) -> None:
        self._watcher, self._clock, self._patience_seconds = watcher, clock, patience_seconds
        self._driver: Driver | None = None
        self._answering = True
        watcher.start()
        watcher.first_look.wait(_FIRST_LOOK_SECONDS)  # a driver slower than this joins later, as a hot-plug
        self._quick = Aside("nvml-quick", self._read_quick)

    def refresh(self, monotonic: float) -> bool:
        """Adopt the watcher's driver; True when GPUs or versions are others."""
        before, self._driver = self._driver, self._watcher.driver
        return before is None or _identity(before) != _identity(self._driver)

    def groups(self) -> list[ColumnGroup]:
        """One group per GPU, by UUID."""
        return [ColumnGroup(device.uuid, METRICS) for device in self._table]

    def accelerators(self) -> list[AcceleratorFacts]:
        """Who the GPUs are, lost ones too: they are still in their slots."""
        return [device.facts for device in self._table]

    @property
    def driver(self) -> Driver:
        """Driver and CUDA version, as of the last refresh."""
        return self._driver or Driver()

    def read(self, monotonic: float) -> Values:
        """Quick and fresh slow readings; None for every GPU while the driver hangs or is re-opened."""
        table = self._table
        if not table:
            return []
        rows = self._quick.result(self._patience_seconds)
        self._note_answering(rows is not None)
        if rows is None or len(rows) != len(table):
            return _NOTHING * len(table)
        pairs = zip(rows, table, strict=True)
        return [value for row, device in pairs for value in (*row, *slow.fresh_readings(device, monotonic))]

    def take_happenings(self) -> list[Happening]:
        """What the watcher and the readings noticed since the last call."""
        return _drained(self._watcher.happenings)

    def take_processes(self) -> list[Process] | None:
        """The newest list of processes when there is a new one."""
        lists = _drained(self._watcher.processes)
        return lists[-1] if lists else None

    def close(self) -> None:
        """End both threads."""
        self._quick.close()
        self._watcher.close()

    @property
    def _table(self) -> Table:
        return self.driver.table

    def _read_quick(self) -> list[Values]:
        if not self._watcher.gate.acquire(blocking=False):  # being re-opened
            return []
        try:
            return [self._read_device(device) for device in self._table]
        except DriverGone:
            self._watcher.reopen.set()
            return []
        finally:
            self._watcher.gate.release()

    def _read_device(self, device: Device) -> Values:
        if device.lost:
            return quick.NOTHING
        try:
            values = quick.read_quick(self._watcher.gateway, device)
        except GpuLost:
            self._watcher.mark_lost(device)
            return quick.NOTHING
        reset = quick.energy_reset(device, values)
        if reset:
            self._watcher.happenings.put(reset)
        return values

    def _note_answering(self, answers: bool) -> None:
        if answers != self._answering:
            self._answering = answers
            kind = "driver_answers" if answers else "driver_silent"
            log.warning("nvml: %s", "answers again" if answers else "does not answer; host readings go on")
            self._watcher.happenings.put(Happening(kind))


def _identity(driver: Driver) -> tuple[object, ...]:
    return driver.version, driver.cuda, tuple(device.facts for device in driver.table)


def _drained(source: queue.SimpleQueue[T]) -> list[T]:
    found: list[T] = []
    while not source.empty():
        found.append(source.get_nowait())
    return found
