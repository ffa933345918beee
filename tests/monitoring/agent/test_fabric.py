"""InfiniBand ports from a folder that looks like /sys."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitoring.agent.collectors.fabric import FabricCollector


@pytest.fixture
def port(tmp_path: Path) -> Path:
    counters = tmp_path / "class/infiniband/mlx5_0/ports/1/counters"
    counters.mkdir(parents=True)
    write(counters, port_rcv_data=1000, port_xmit_data=2000, symbol_error=3, link_downed=1)
    return counters


def write(counters: Path, **values: int | str) -> None:
    for name, value in values.items():
        (counters / name).write_text(f"{value}\n")


def test_words_become_bytes_per_second(tmp_path, port):
    collector = FabricCollector(sys_root=tmp_path)
    assert collector.refresh(0.0)
    assert [group.entity for group in collector.groups()] == ["net:mlx5_0:1"]
    assert collector.read(0.0) == [None, None, 4]
    write(port, port_rcv_data=2000, port_xmit_data=2500, symbol_error=5)
    assert collector.read(2.0) == [2000, 1000, 6]


def test_a_port_that_does_not_count_is_none(tmp_path, port):
    write(port, port_rcv_data="N/A (no PMA)")
    collector = FabricCollector(sys_root=tmp_path)
    collector.refresh(0.0)
    collector.read(0.0)
    assert collector.read(1.0)[:2] == [None, 0]


def test_a_machine_without_a_fabric_has_no_columns(tmp_path):
    collector = FabricCollector(sys_root=tmp_path)
    assert not collector.refresh(0.0)
    assert collector.groups() == []
    assert collector.read(0.0) == []
