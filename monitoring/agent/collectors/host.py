"""CPU, memory, load, disks, network and file systems of this machine, by psutil."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from monitoring.agent.clock import Clock
from monitoring.agent.collectors.base import Values
from monitoring.protocol import ColumnGroup

_NODE_METRICS = [
    "cpu_utilisation_ratio",
    "cpu_iowait_ratio",
    "load_average_1m",
    "load_average_5m",
    "load_average_15m",
    "memory_used_bytes",
    "memory_available_bytes",
    "swap_used_bytes",
    "uptime_seconds",
]
_DISK_METRICS = ["disk_read_bytes_per_second", "disk_write_bytes_per_second", "disk_busy_ratio"]
_NET_METRICS = [
    "network_receive_bytes_per_second",
    "network_transmit_bytes_per_second",
    "network_errors_total",
]
_MOUNT_METRICS = ["filesystem_used_bytes", "filesystem_free_bytes"]
_INVENTORY_SECONDS = 30.0  # new disks, interfaces and mounts are looked for this often
_SLOW_SECONDS = 10.0  # swap (108 us) and file systems change slowly
_MOST_PARTS = 32
_NOT_DISKS = ("loop", "ram", "zram", "sr", "fd", "dm-", "md")
_NOT_INTERFACES = ("lo", "veth", "docker", "br-", "virbr", "cali", "cni", "flannel", "ifb", "tap", "dummy")

Parts = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]


class Rates:
    """Differences of counters per second. The first reading, and one after a reset, is None."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int], tuple[float, int]] = {}

    def rate(self, part: str, field: int, monotonic: float, count: int) -> float | None:
        """How fast field number `field` of `part` grew since the last call, per second."""
        before = self._last.get((part, field))
        self._last[part, field] = (monotonic, count)
        if before is None or count < before[1] or monotonic <= before[0]:
            return None
        return (count - before[1]) / (monotonic - before[0])


class HostCollector:
    """This machine by psutil. `per_core` adds one utilisation column per core."""

    name = "host"

    def __init__(self, *, clock: Clock, per_core: bool = False, sys_root: Path = Path("/sys")) -> None:
        self._clock, self._sys_root = clock, sys_root
        self._cores = psutil.cpu_count() or 1 if per_core else 0
        self._rates = Rates()
        self._parts: Parts = ((), (), ())
        self._looked_at = -_INVENTORY_SECONDS
        self._last_cpu: Any = None
        self._last_cores: list[Any] = []
        self._swap: int | None = None
        self._mount_values: Values = []
        self._slow_read_at = -_SLOW_SECONDS
        self._mounts = _MountReader()

    def refresh(self, monotonic: float) -> bool:
        """Look for new disks, interfaces and mounts now and then."""
        if monotonic - self._looked_at < _INVENTORY_SECONDS:
            return False
        self._looked_at = monotonic
        before, self._parts = self._parts, find_parts(self._sys_root)
        self._slow_read_at = -_SLOW_SECONDS
        return before != self._parts

    def groups(self) -> list[ColumnGroup]:
        """The node, its cores if wanted, then disks, interfaces and mounts."""
        disks, interfaces, mounts = self._parts
        cores = [ColumnGroup(f"core:{n}", ["cpu_core_utilisation_ratio"]) for n in range(self._cores)]
        return [
            ColumnGroup("", _NODE_METRICS),
            *cores,
            *(ColumnGroup(f"disk:{name}", _DISK_METRICS) for name in disks),
            *(ColumnGroup(f"net:{name}", _NET_METRICS) for name in interfaces),
            *(ColumnGroup(f"mount:{path}", _MOUNT_METRICS) for path in mounts),
        ]

    def read(self, monotonic: float) -> Values:
        """One value per column; rates and utilisation are None at the first reading."""
        self._read_slow(monotonic)
        memory = psutil.virtual_memory()
        return [
            *self._cpu(),
            *(round(load * 100) for load in os.getloadavg()),
            memory.total - memory.available,
            memory.available,
            self._swap,
            int(self._clock.monotonic()),
            *self._core_values(),
            *self._disks(monotonic),
            *self._interfaces(monotonic),
            *self._mount_values,
        ]

    def close(self) -> None:
        """End the thread that asks the file systems."""
        self._mounts.close()

    def _cpu(self) -> Values:
        before, self._last_cpu = self._last_cpu, psutil.cpu_times()
        return list(cpu_ratios(before, self._last_cpu))

    def _core_values(self) -> Values:
        if not self._cores:
            return []
        before, self._last_cores = self._last_cores, psutil.cpu_times(percpu=True)
        if len(before) != self._cores or len(self._last_cores) != self._cores:
            return [None] * self._cores
        return [cpu_ratios(a, b)[0] for a, b in zip(before, self._last_cores, strict=True)]

    def _disks(self, monotonic: float) -> Values:
        if not self._parts[0]:
            return []
        counters = psutil.disk_io_counters(perdisk=True, nowrap=False)
        return [value for name in self._parts[0] for value in self._disk(name, counters.get(name), monotonic)]

    def _disk(self, name: str, counters: Any, monotonic: float) -> Values:
        if counters is None:
            return [None] * len(_DISK_METRICS)
        rate = self._rates.rate
        busy = rate(name, 2, monotonic, getattr(counters, "busy_time", 0))  # milliseconds
        return [
            _rounded(rate(name, 0, monotonic, counters.read_bytes)),
            _rounded(rate(name, 1, monotonic, counters.write_bytes)),
            None if busy is None else min(1000, round(busy)),  # ms per s = stored per mille
        ]

    def _interfaces(self, monotonic: float) -> Values:
        if not self._parts[1]:
            return []
        counters = psutil.net_io_counters(pernic=True, nowrap=False)
        return [value for name in self._parts[1] for value in self._net(name, counters.get(name), monotonic)]

    def _net(self, name: str, counters: Any, monotonic: float) -> Values:
        if counters is None:
            return [None] * len(_NET_METRICS)
        rate = self._rates.rate
        return [
            _rounded(rate(name, 3, monotonic, counters.bytes_recv)),
            _rounded(rate(name, 4, monotonic, counters.bytes_sent)),
            counters.errin + counters.errout + counters.dropin + counters.dropout,
        ]

    def _read_slow(self, monotonic: float) -> None:
        if monotonic - self._slow_read_at < _SLOW_SECONDS:
            return
        self._slow_read_at = monotonic
        self._swap = psutil.swap_memory().used
        self._mount_values = self._mounts.read(self._parts[2])


class _MountReader:
    """statvfs in a thread of its own: a dead network mount would hang the sampler for ever."""

    def __init__(
        self, usage: Callable[[str], Any] = psutil.disk_usage, patience_seconds: float = 0.2
    ) -> None:
        self._usage, self._patience_seconds = usage, patience_seconds
        self._hung: set[str] = set()

    def read(self, paths: tuple[str, ...]) -> Values:
        """(used, free) per path; None where the file system does not answer in time."""
        return [value for path in paths for value in self._read_one(path)]

    def close(self) -> None:
        """Nothing is kept; a thread that hangs is a daemon."""

    def _read_one(self, path: str) -> Values:
        if path in self._hung:
            return [None, None]
        found: Values = []
        thread = threading.Thread(target=self._ask, args=(path, found), name="statvfs", daemon=True)
        self._hung.add(path)
        thread.start()
        thread.join(self._patience_seconds)
        return list(found) if len(found) == 2 else [None, None]

    def _ask(self, path: str, found: Values) -> None:
        try:
            usage = self._usage(path)
            found.extend((usage.used, usage.free))
        except OSError:
            found.extend((None, None))
        finally:
            self._hung.discard(path)


def cpu_ratios(before: Any, after: Any) -> tuple[int | None, int | None]:
    """(busy, waiting for storage) between two `psutil.cpu_times`, in stored per mille."""
    if before is None:
        return None, None
    # guest time is inside user time already
    names = [name for name in after._fields if not name.startswith("guest")]
    total = sum(getattr(after, name) - getattr(before, name) for name in names)
    if total <= 0:
        return None, None
    idle = after.idle - before.idle
    waiting = getattr(after, "iowait", 0.0) - getattr(before, "iowait", 0.0)
    return _per_mille(total - idle - waiting, total), _per_mille(waiting, total)


def find_parts(sys_root: Path) -> Parts:
    """(disks, interfaces, mount points) worth a column; virtual ones are left out."""
    return _disks(sys_root), _interfaces(sys_root), _mounts()


def _disks(sys_root: Path) -> tuple[str, ...]:
    names = [name for name in _listed(sys_root / "block") if not name.startswith(_NOT_DISKS)]
    return tuple(names[:_MOST_PARTS])


def _interfaces(sys_root: Path) -> tuple[str, ...]:
    names = [name for name in _listed(sys_root / "class/net") if not name.startswith(_NOT_INTERFACES)]
    hardware = [name for name in names if (sys_root / "class/net" / name / "device").exists()]
    return tuple((hardware or names)[:_MOST_PARTS])


def _mounts() -> tuple[str, ...]:
    by_device: dict[str, str] = {}
    for partition in psutil.disk_partitions(all=False):
        if "squashfs" not in partition.fstype and not partition.device.startswith("/dev/loop"):
            by_device.setdefault(partition.device, partition.mountpoint)
    paths = [path for path in by_device.values() if path.isprintable() and len(path) < 240]
    return tuple(sorted(paths)[:_MOST_PARTS])


def _listed(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _per_mille(part: float, total: float) -> int:
    return max(0, min(1000, round(1000 * part / total)))


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)
