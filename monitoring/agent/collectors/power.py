"""CPU and node power from RAPL (/sys/class/powercap) and hwmon, where they may be read.

RAPL counters are world-readable on no kernel since 5.10, so the ordinary outcome is the note
`power_unreadable` and the udev rule that mends it (`udev_rule`).
"""

from __future__ import annotations

import grp
import os
from pathlib import Path

from monitoring.agent.clock import Clock
from monitoring.agent.collectors.base import Values
from monitoring.protocol import ColumnGroup

METRICS = ["node_power_watts", "cpu_power_watts", "cpu_energy_joules_total", "cpu_temperature_celsius"]
UNREADABLE = "power_unreadable"
RULE_PATH = "/etc/udev/rules.d/70-dcportal-power.rules"
_NODE_METERS = ("power_meter", "acpi_power_meter", "ipmi")
_CPU_THERMOMETERS = ("coretemp", "k10temp", "zenpower")


class RaplZone:
    """One energy counter of powercap in microjoules. It wraps at `max_energy_range_uj`."""

    def __init__(self, folder: Path) -> None:
        self._counter = folder / "energy_uj"
        self._range_uj = _number(folder / "max_energy_range_uj") or 0
        self.name = _text(folder / "name")
        self._last_uj: int | None = None
        self.total_uj = 0

    def advance(self) -> int | None:
        """Microjoules since the last call (0 at the first), None when the counter is unreadable."""
        now_uj = _number(self._counter)
        if now_uj is None:
            return None
        grown_uj = 0 if self._last_uj is None else now_uj - self._last_uj
        if grown_uj < 0:
            grown_uj += self._range_uj
        self._last_uj = now_uj
        self.total_uj += max(0, grown_uj)
        return max(0, grown_uj)

    def is_readable(self) -> bool:
        """Whether this user may read the counter."""
        return os.access(self._counter, os.R_OK)


class PowerCollector:
    """Node and CPU power, CPU energy since the agent started, hottest CPU package."""

    name = "power"

    def __init__(self, *, clock: Clock, sys_root: Path = Path("/sys")) -> None:
        self._clock, self._sys_root = clock, sys_root
        self.zones = find_zones(sys_root)
        self._packages = [zone for zone in self.zones if zone.name.startswith(("package", "dram"))]
        self._platform = [zone for zone in self.zones if zone.name == "psys"]
        self.meters = list(_sensors(sys_root, _NODE_METERS, "power1_average", "power1_input"))
        self._thermometers = list(_sensors(sys_root, _CPU_THERMOMETERS, "temp1_input"))
        self._last_read: float | None = None

    def notes(self) -> list[str]:
        """`power_unreadable` where counters are there that this user may not read."""
        blocked = any(not zone.is_readable() for zone in self.zones)
        return [UNREADABLE] if blocked else []

    def refresh(self, monotonic: float) -> bool:
        """Sensors do not come and go."""
        return False

    def groups(self) -> list[ColumnGroup]:
        """Only what this machine can tell."""
        metrics = self._metrics()
        return [ColumnGroup("", metrics)] if metrics else []

    def read(self, monotonic: float) -> Values:
        """One value per column; powers are None at the first reading."""
        seconds = None if self._last_read is None else monotonic - self._last_read
        self._last_read = monotonic
        package_uj, platform_uj = _sum(self._packages), _sum(self._platform)
        values = {
            "node_power_watts": self._node_milliwatts(platform_uj, seconds),
            "cpu_power_watts": _milliwatts(package_uj, seconds),
            "cpu_energy_joules_total": None
            if package_uj is None
            else sum(z.total_uj for z in self._packages),
            "cpu_temperature_celsius": max(filter(None, map(_number, self._thermometers)), default=None),
        }
        return [values[metric] for metric in self._metrics()]

    def close(self) -> None:
        """Nothing is held open."""

    def _metrics(self) -> list[str]:
        there = (
            bool(self.meters or self._platform),
            bool(self._packages),
            bool(self._packages),
            bool(self._thermometers),
        )
        return [metric for metric, is_there in zip(METRICS, there, strict=True) if is_there]

    def _node_milliwatts(self, platform_uj: int | None, seconds: float | None) -> int | None:
        measured = [uw for uw in map(_number, self.meters) if uw is not None]  # microwatts
        return round(sum(measured) / 1000) if measured else _milliwatts(platform_uj, seconds)


def find_zones(sys_root: Path) -> list[RaplZone]:
    """All RAPL zones except those counted inside another (core, uncore) and the MMIO doubles."""
    folders = sorted((sys_root / "class/powercap").glob("intel-rapl:*"))
    zones = [RaplZone(folder) for folder in folders if (folder / "energy_uj").exists()]
    return [zone for zone in zones if zone.name.startswith(("package", "dram", "psys"))]


def udev_rule(group: str | None = None) -> str:
    """The rule that lets `group` (default: this user's) read the RAPL counters."""
    group = group or _own_group()
    return (
        'SUBSYSTEM=="powercap", KERNEL=="intel-rapl:*", ACTION=="add|change", '
        f'RUN+="/bin/chgrp {group} /sys%p/energy_uj", RUN+="/bin/chmod g+r /sys%p/energy_uj"'
    )


def how_to_make_readable() -> str:
    """Commands for root, ready to paste."""
    return (
        f"echo '{udev_rule()}' | sudo tee {RULE_PATH}\n"
        "sudo udevadm control --reload && sudo udevadm trigger --subsystem-match=powercap --action=change"
    )


def _own_group() -> str:
    try:
        return grp.getgrgid(os.getgid()).gr_name
    except KeyError:
        return str(os.getgid())


def _sensors(sys_root: Path, names: tuple[str, ...], *files: str) -> list[Path]:
    chips = sorted((sys_root / "class/hwmon").glob("hwmon*"))
    found = [_first_there(chip, files) for chip in chips if _text(chip / "name").startswith(names)]
    return [path for path in found if path is not None and os.access(path, os.R_OK)]


def _first_there(folder: Path, files: tuple[str, ...]) -> Path | None:
    return next((folder / file for file in files if (folder / file).exists()), None)


def _sum(zones: list[RaplZone]) -> int | None:
    grown = [zone.advance() for zone in zones]
    known = [uj for uj in grown if uj is not None]
    return sum(known) if known and len(known) == len(grown) else None


def _milliwatts(grown_uj: int | None, seconds: float | None) -> int | None:
    return round(grown_uj / seconds / 1000) if grown_uj is not None and seconds else None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_bytes())
    except (OSError, ValueError):
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
