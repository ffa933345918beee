"""RAPL and hwmon from a folder that looks like /sys."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitoring.agent.clock import Clock
from monitoring.agent.collectors.power import (
    UNREADABLE,
    PowerCollector,
    RaplZone,
    how_to_make_readable,
    udev_rule,
)

RANGE_UJ = 262_143_328_850


def zone(sys_root: Path, number: str, name: str, energy_uj: int) -> Path:
    folder = sys_root / "class/powercap" / f"intel-rapl:{number}"
    folder.mkdir(parents=True)
    (folder / "name").write_text(name + "\n")
    (folder / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
    (folder / "energy_uj").write_text(f"{energy_uj}\n")
    return folder


def chip(sys_root: Path, name: str, **files: int) -> Path:
    folder = sys_root / "class/hwmon" / f"hwmon-{name}"
    folder.mkdir(parents=True)
    (folder / "name").write_text(name + "\n")
    for file, value in files.items():
        (folder / file).write_text(f"{value}\n")
    return folder


def read(collector: PowerCollector, monotonic: float) -> dict[str, int | None]:
    groups = collector.groups()
    metrics = groups[0].metrics if groups else []
    return dict(zip(metrics, collector.read(monotonic), strict=True))


def test_power_is_energy_per_second(tmp_path):
    folder = zone(tmp_path, "0", "package-0", 5_000_000)
    collector = PowerCollector(clock=Clock(), sys_root=tmp_path)
    assert read(collector, 10.0)["cpu_power_watts"] is None
    (folder / "energy_uj").write_text("305000000")
    readings = read(collector, 12.0)
    assert readings["cpu_power_watts"] == 150_000
    assert readings["cpu_energy_joules_total"] == 300_000_000


def test_a_counter_that_wraps_goes_on(tmp_path):
    folder = zone(tmp_path, "0", "package-0", RANGE_UJ - 40_000_000)
    counter = RaplZone(folder)
    counter.advance()
    (folder / "energy_uj").write_text("60000000")
    assert counter.advance() == 100_000_000
    assert counter.total_uj == 100_000_000


def test_packages_and_memory_add_up_and_cores_are_not_counted_twice(tmp_path):
    folders = [zone(tmp_path, "0", "package-0", 0), zone(tmp_path, "1", "package-1", 0)]
    folders += [zone(tmp_path, "0:0", "core", 0), zone(tmp_path, "0:1", "dram", 0)]
    collector = PowerCollector(clock=Clock(), sys_root=tmp_path)
    read(collector, 1.0)
    for folder in folders:
        (folder / "energy_uj").write_text("10000000")
    assert read(collector, 2.0)["cpu_power_watts"] == 30_000


def test_the_whole_node_comes_from_its_meter(tmp_path):
    chip(tmp_path, "power_meter", power1_average=812_000_000)
    collector = PowerCollector(clock=Clock(), sys_root=tmp_path)
    assert read(collector, 1.0) == {"node_power_watts": 812_000}


def test_without_a_meter_the_platform_counter_stands_in(tmp_path):
    folder = zone(tmp_path, "1", "psys", 0)
    collector = PowerCollector(clock=Clock(), sys_root=tmp_path)
    read(collector, 1.0)
    (folder / "energy_uj").write_text("200000000")
    assert read(collector, 2.0) == {"node_power_watts": 200_000}


def test_the_hottest_package_is_told(tmp_path):
    chip(tmp_path, "coretemp", temp1_input=61_000)
    chip(tmp_path, "k10temp", temp1_input=72_500)
    collector = PowerCollector(clock=Clock(), sys_root=tmp_path)
    assert read(collector, 1.0) == {"cpu_temperature_celsius": 72_500}


def test_a_counter_that_stops_being_readable_is_none(tmp_path):
    folder = zone(tmp_path, "0", "package-0", 1)
    collector = PowerCollector(clock=Clock(), sys_root=tmp_path)
    read(collector, 1.0)
    (folder / "energy_uj").unlink()
    assert read(collector, 2.0) == {"cpu_power_watts": None, "cpu_energy_joules_total": None}


def test_a_machine_without_meters_has_no_power_columns_and_no_note(tmp_path):
    collector = PowerCollector(clock=Clock(), sys_root=tmp_path)
    assert collector.groups() == []
    assert collector.read(1.0) == []
    assert collector.notes() == []


def test_counters_for_root_only_are_noted(tmp_path, monkeypatch):
    zone(tmp_path, "0", "package-0", 1)
    monkeypatch.setattr("monitoring.agent.collectors.power.os.access", lambda path, mode: False)
    assert PowerCollector(clock=Clock(), sys_root=tmp_path).notes() == [UNREADABLE]


@pytest.mark.parametrize("part", ['SUBSYSTEM=="powercap"', "chgrp operators /sys%p/energy_uj", "chmod g+r"])
def test_the_udev_rule_gives_the_group_and_nobody_else_the_counter(part):
    assert part in udev_rule("operators")
    assert "a+r" not in udev_rule("operators")


def test_the_commands_name_the_file_and_reload():
    text = how_to_make_readable()
    assert "/etc/udev/rules.d/70-dcportal-power.rules" in text
    assert "udevadm control --reload" in text
