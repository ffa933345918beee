"""Host readings: differences per second, missing parts, file systems that hang."""

from __future__ import annotations

import threading
from collections import namedtuple

import psutil

from monitoring import catalog
from monitoring.agent.clock import Clock
from monitoring.agent.collectors.host import HostCollector, Rates, _MountReader, cpu_ratios, find_parts

Times = namedtuple("Times", "user nice system idle iowait guest")
Usage = namedtuple("Usage", "used free")


def test_cpu_ratios_count_waiting_apart_and_guest_time_once():
    before = Times(100, 0, 50, 800, 50, 10)
    after = Times(160, 0, 70, 810, 60, 60)
    assert cpu_ratios(before, after) == (800, 100)


def test_the_first_cpu_reading_is_missing():
    assert cpu_ratios(None, Times(1, 0, 0, 0, 0, 0)) == (None, None)


def test_a_rate_needs_two_readings_and_survives_a_reset():
    rates = Rates()
    assert rates.rate("sda", 0, 10.0, 1000) is None
    assert rates.rate("sda", 0, 12.0, 3000) == 1000.0
    assert rates.rate("sda", 0, 13.0, 5) is None
    assert rates.rate("sda", 0, 14.0, 25) == 20.0


def test_this_machine_is_read_and_fits_its_columns():
    collector = HostCollector(clock=Clock(), per_core=True)
    collector.refresh(0.0)
    collector.read(0.0)
    values = collector.read(1.0)
    columns = [(group.entity, metric) for group in collector.groups() for metric in group.metrics]
    readings = dict(zip(columns, values, strict=True))
    assert 0 < readings["", "memory_used_bytes"] < psutil.virtual_memory().total
    assert readings["", "uptime_seconds"] > 0
    assert ("core:0", "cpu_core_utilisation_ratio") in readings
    assert all(catalog.fits(catalog.METRICS[metric], entity) for entity, metric in columns)


def test_parts_are_looked_for_twice_a_minute_only():
    collector = HostCollector(clock=Clock())
    assert collector.refresh(0.0) is True
    assert collector.refresh(1.0) is False


def test_a_disk_that_appears_gives_new_columns(tmp_path):
    (tmp_path / "block" / "nvme0n1").mkdir(parents=True)
    collector = HostCollector(clock=Clock(), sys_root=tmp_path)
    collector.refresh(0.0)
    (tmp_path / "block" / "nvme1n1").mkdir()
    assert collector.refresh(31.0) is True
    entities = [group.entity for group in collector.groups()]
    assert entities.index("disk:nvme0n1") < entities.index("disk:nvme1n1")


def test_a_disk_without_counters_is_none(tmp_path):
    (tmp_path / "block" / "ghost").mkdir(parents=True)
    collector = HostCollector(clock=Clock(), sys_root=tmp_path)
    collector.refresh(0.0)
    values = iter(collector.read(0.0))
    readings = {group.entity: [next(values) for _ in group.metrics] for group in collector.groups()}
    assert readings["disk:ghost"] == [None, None, None]


def test_virtual_devices_are_left_out(tmp_path):
    for name in ("loop0", "zram0", "sda", "dm-0"):
        (tmp_path / "block" / name).mkdir(parents=True)
    for name in ("lo", "docker0", "veth12ab", "eth0", "ib0"):
        (tmp_path / "class/net" / name).mkdir(parents=True)
    for name in ("eth0", "ib0"):
        (tmp_path / "class/net" / name / "device").mkdir()
    disks, interfaces, _ = find_parts(tmp_path)
    assert disks == ("sda",)
    assert interfaces == ("eth0", "ib0")


def test_a_hanging_file_system_is_none_and_asked_once(tmp_path):
    gate = threading.Event()
    asked: list[str] = []

    def usage(path: str) -> Usage:
        asked.append(path)
        if path == "/dead":
            gate.wait(10)
        return Usage(1, 2)

    reader = _MountReader(usage, patience_seconds=0.05)
    assert reader.read(("/dead", "/fine")) == [None, None, 1, 2]
    assert reader.read(("/dead", "/fine")) == [None, None, 1, 2]
    assert asked.count("/dead") == 1
    gate.set()


def test_a_file_system_that_errors_is_none():
    def usage(path: str) -> Usage:
        raise PermissionError(path)

    assert _MountReader(usage).read(("/x",)) == [None, None]


def test_a_machine_without_sysfs_has_no_such_columns(tmp_path):
    assert find_parts(tmp_path)[:2] == ((), ())
