"""The processes on the GPUs, and whether their list is news."""

from __future__ import annotations

from typing import Any

from monitoring.agent.collectors.nvml.devices import Device, Table
from monitoring.agent.collectors.nvml.gateway import Gateway, GpuLost
from monitoring.agent.processes import ProcessReader
from monitoring.protocol import Process

_MEMORY_NEWS_BYTES = 64 * 1024 * 1024
_RETELL_SECONDS = 60.0
_MOST = 1024
_KINDS = (
    ("compute", "nvmlDeviceGetComputeRunningProcesses"),
    ("graphics", "nvmlDeviceGetGraphicsRunningProcesses"),
)


class Census:
    """Counts processes; `news` answers only when somebody came, went, or memory moved by 64 MiB."""

    def __init__(self, gateway: Gateway, reader: ProcessReader) -> None:
        self._gateway, self._reader = gateway, reader
        self._told: list[Process] | None = None
        self._told_at = 0.0

    def news(self, table: Table, monotonic: float) -> list[Process] | None:
        """All processes when that is worth telling (and once a minute), else None."""
        found = self._count(table)[:_MOST]
        stale = monotonic - self._told_at >= _RETELL_SECONDS and bool(found)
        if self._told is not None and not stale and not _differ(self._told, found):
            return None
        self._told, self._told_at = found, monotonic
        return found

    def _count(self, table: Table) -> list[Process]:
        found = [process for device in table if not device.lost for process in self._on(device)]
        self._reader.keep_only({process.pid for process in found})
        return sorted(found, key=lambda process: (process.accelerator, process.pid))

    def _on(self, device: Device) -> list[Process]:
        found: dict[int, Process] = {}
        try:
            for kind, function in _KINDS:
                for info in self._gateway.ask(function, device.handle, key=device.index) or ():
                    found.setdefault(info.pid, self._described(info, kind, device.uuid))
        except GpuLost:  # the readings of the same round tell it
            return []
        return list(found.values())

    def _described(self, info: Any, kind: Any, uuid: str) -> Process:
        identity = self._reader.identity(info.pid)
        return Process(
            pid=info.pid, accelerator=uuid, kind=kind, memory_bytes=info.usedGpuMemory, **identity._asdict()
        )


def _differ(told: list[Process], found: list[Process]) -> bool:
    if len(told) != len(found):
        return True
    return any(_key(a) != _key(b) or _memory_moved(a, b) for a, b in zip(told, found, strict=True))


def _key(process: Process) -> tuple[object, ...]:
    return process.accelerator, process.pid, process.start_ticks, process.kind


def _memory_moved(a: Process, b: Process) -> bool:
    if a.memory_bytes is None or b.memory_bytes is None:
        return a.memory_bytes is not b.memory_bytes
    return abs(a.memory_bytes - b.memory_bytes) >= _MEMORY_NEWS_BYTES
