"""The NVML collector on the real pynvml and the C stub."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitoring import catalog
from monitoring.agent.clock import Clock
from monitoring.agent.collectors.base import Happening
from monitoring.agent.collectors.nvml.collector import METRICS, NvmlCollector
from monitoring.agent.collectors.nvml.gateway import Gateway
from monitoring.agent.collectors.nvml.watcher import Pace, Watcher
from monitoring.protocol import Process
from tests.fakes.nvml.build import build
from tests.fakes.nvml.fixtures import NvmlStub, library_environment
from tests.fakes.nvml.scenario import Scenario
from tests.monitoring.agent.helpers import eventually

pytestmark = pytest.mark.nvml
ROOT = Path(__file__).resolve().parents[3]
QUICK_PACE = Pace(round=0.01, readings_factor=0.005, processes=0.01, reprobe=0.05, reprobe_cap=0.05)
UUID = "GPU-57ab0000-0000-4000-8000-{:012d}".format


class Observed:
    """A collector read as the sampler reads it, with everything it told."""

    def __init__(self, collector: NvmlCollector) -> None:
        self.collector = collector
        self.clock = Clock()
        self.happenings: list[Happening] = []
        self.collector.refresh(self.clock.monotonic())

    def readings(self) -> dict[str, dict[str, int | None]]:
        """Stored values by UUID and metric, after one tick."""
        now = self.clock.monotonic()
        self.collector.refresh(now)
        groups, values = self.collector.groups(), iter(self.collector.read(now))
        self.happenings += self.collector.take_happenings()
        return {group.entity: {metric: next(values) for metric in group.metrics} for group in groups}

    def until(self, metric: str, gpu: int, value: int | None) -> dict[str, dict[str, int | None]]:
        """Tick until that reading is `value`."""

        def told() -> dict[str, dict[str, int | None]] | None:
            readings = self.readings()
            return readings if readings.get(UUID(gpu), {}).get(metric, -1) == value else None

        return eventually(told, f"{metric} of GPU {gpu} is {value}")

    def told(self, kind: str) -> list[Happening]:
        """Happenings of that kind, ticking until there is one."""

        def heard() -> list[Happening]:
            self.readings()
            return [happening for happening in self.happenings if happening.kind == kind]

        return eventually(heard, kind)


@pytest.fixture
def observe(nvml_stub: NvmlStub, tmp_path: Path) -> Iterator[Callable[[], Observed]]:
    made: list[NvmlCollector] = []

    def make() -> Observed:
        watcher = Watcher(Gateway(), clock=Clock(), pace=QUICK_PACE, kernel_gpus=tmp_path / "gpus")
        made.append(NvmlCollector(watcher, clock=Clock(), patience_seconds=5.0))
        return Observed(made[-1])

    yield make
    for collector in made:
        collector.close()


def slots(tmp_path: Path, count: int) -> None:
    """The kernel driver shows `count` GPUs."""
    for index in range(count):
        (tmp_path / "gpus" / str(index)).mkdir(parents=True, exist_ok=True)


def test_eight_gpus_are_read_without_loss(nvml_stub, observe):
    nvml_stub.scenario.gpu(
        3, power_mw=412345, energy_mj=987654321012345, memory_used=12345678912, temperature=66
    )
    readings = observe().until("gpu_power_draw_watts", 3, 412345)
    assert len(readings) == 8
    assert readings[UUID(3)]["gpu_energy_joules_total"] == 987654321012345
    assert readings[UUID(3)]["gpu_memory_used_bytes"] == 12345678912
    assert readings[UUID(3)]["gpu_temperature_celsius"] == 66
    assert readings[UUID(5)]["gpu_utilisation_ratio"] == 50
    assert catalog.METRICS["gpu_power_draw_watts"].from_stored(412345) == 412.345


def test_slow_readings_join_the_quick_ones(nvml_stub, observe):
    nvml_stub.scenario.gpu(
        1, pcie_tx=3000, nvlink_rx=7, ecc_uncorrected=2, remap_pending=1, memory_temperature=91
    )
    readings = observe().until("gpu_pcie_transmit_bytes_per_second", 1, 3_000_000)[UUID(1)]
    assert readings["gpu_nvlink_receive_bytes_total"] == 7 * 1024
    assert readings["gpu_ecc_uncorrected_errors_total"] == 2
    assert readings["gpu_remapped_rows_pending"] == 1
    assert readings["gpu_memory_temperature_celsius"] == 91


def test_an_unsupported_reading_is_none_and_not_zero(observe):
    readings = observe().until("gpu_pcie_replays_total", 0, 0)
    assert readings[UUID(0)]["gpu_fan_ratio"] is None
    assert readings[UUID(0)]["gpu_encoder_utilisation_ratio"] == 0


def test_every_column_is_in_the_catalogue():
    assert [metric for metric in METRICS if metric not in catalog.ACCELERATOR_METRICS] == []
    assert len(set(METRICS)) == len(METRICS)


def test_a_lost_gpu_is_none_and_told_once_while_the_others_go_on(nvml_stub, observe):
    observed = observe()
    observed.until("gpu_temperature_celsius", 3, 43)
    nvml_stub.scenario.gpu(3, lost=1)
    readings = observed.until("gpu_temperature_celsius", 3, None)
    assert set(readings[UUID(3)].values()) == {None}
    assert readings[UUID(4)]["gpu_temperature_celsius"] == 44
    observed.until("gpu_temperature_celsius", 4, 44)
    assert [h.entity for h in observed.told("accelerator_lost")] == [UUID(3)]


def test_a_lost_gpu_keeps_its_columns_and_comes_back(nvml_stub, observe):
    observed = observe()
    nvml_stub.scenario.gpu(3, lost=1)
    observed.until("gpu_temperature_celsius", 3, None)
    assert len(observed.collector.groups()) == 8
    nvml_stub.scenario.gpu(3, lost=0)
    observed.until("gpu_temperature_celsius", 3, 43)
    assert observed.told("accelerator_back")[0].entity == UUID(3)


def test_a_gpu_plugged_in_later_gets_columns(nvml_stub, observe, tmp_path):
    slots(tmp_path, 8)
    observed = observe()
    assert UUID(8) not in observed.readings()
    nvml_stub.scenario.add("gpus 9")
    slots(tmp_path, 9)
    observed.until("gpu_temperature_celsius", 8, 48)
    assert observed.told("accelerator_appeared")[0].entity == UUID(8)
    assert [gpu.uuid for gpu in observed.collector.accelerators()][-1] == UUID(8)


def test_a_gpu_taken_out_is_told_as_vanished(nvml_stub, observe, tmp_path):
    slots(tmp_path, 8)
    observed = observe()
    nvml_stub.scenario.add("gpus 7")
    (tmp_path / "gpus" / "7").rmdir()
    assert observed.told("accelerator_vanished")[0].entity == UUID(7)
    assert UUID(7) not in observed.readings()


def test_a_board_swapped_in_its_slot_is_another_accelerator(nvml_stub, observe):
    observed = observe()
    nvml_stub.scenario.gpu(2, uuid="GPU-00000000-0000-4000-8000-00000000beef")
    assert observed.told("accelerator_appeared")[0].entity.endswith("beef")
    assert UUID(2) not in observed.readings()


def test_no_driver_is_ordinary_and_looked_for_again(nvml_stub, observe):
    nvml_stub.scenario.add("init 9")
    observed = observe()
    assert observed.readings() == {}
    assert observed.collector.accelerators() == []
    nvml_stub.scenario.remove("init 9")
    observed.until("gpu_temperature_celsius", 0, 40)
    assert observed.collector.driver.version == "580.65.06"
    assert observed.collector.driver.cuda == "13.0"


def test_a_driver_that_is_unloaded_leaves_empty_columns_until_it_is_back(nvml_stub, observe):
    observed = observe()
    observed.until("gpu_temperature_celsius", 0, 40)
    nvml_stub.scenario.add("fail nvmlDeviceGetUtilizationRates 9")
    nvml_stub.scenario.add("init 9")
    readings = observed.until("gpu_temperature_celsius", 0, None)
    assert len(readings) == 8
    observed.told("driver_missing")
    nvml_stub.scenario.remove("init 9")
    nvml_stub.scenario.remove("fail nvmlDeviceGetUtilizationRates 9")
    observed.until("gpu_temperature_celsius", 0, 40)
    observed.told("driver_back")


def test_a_hanging_driver_call_gives_none_instead_of_stopping_the_tick(nvml_stub, tmp_path):
    watcher = Watcher(Gateway(), clock=Clock(), pace=QUICK_PACE, kernel_gpus=tmp_path / "gpus")
    collector = NvmlCollector(watcher, clock=Clock(), patience_seconds=0.05)
    observed = Observed(collector)
    nvml_stub.scenario.add("slow nvmlDeviceGetPowerUsage 300")
    observed.until("gpu_temperature_celsius", 0, None)
    observed.told("driver_silent")
    nvml_stub.scenario.remove("slow nvmlDeviceGetPowerUsage 300")
    observed.until("gpu_temperature_celsius", 0, 40)
    observed.told("driver_answers")
    collector.close()


def test_an_xid_is_told_with_its_gpu_and_counted(nvml_stub, observe):
    observed = observe()
    observed.until("gpu_xid_errors_total", 6, 0)
    nvml_stub.scenario.gpu(6, xid=79, xid_serial=1)
    happening = observed.told("xid")[0]
    assert (happening.entity, happening.params) == (UUID(6), {"xid": 79})
    observed.until("gpu_xid_errors_total", 6, 1)


def test_throttling_bits_arrive_as_nvml_numbers_them(nvml_stub, observe):
    nvml_stub.scenario.gpu(0, throttle="0x60")
    observe().until("gpu_throttle_reasons_bitmask", 0, 0x60)
    assert 0x20 in catalog.THROTTLE_REASONS
    assert 0x40 in catalog.THROTTLE_REASONS


def test_an_energy_counter_that_starts_again_is_told(nvml_stub, observe):
    observed = observe()
    observed.until("gpu_energy_joules_total", 0, 1_000_000_000)
    nvml_stub.scenario.gpu(0, energy_mj=5000)
    happening = observed.told("energy_reset")[0]
    assert happening.params == {"before_joules": 1_000_000.0, "after_joules": 5.0}


def test_one_gpu_without_a_reading_does_not_take_it_from_the_others(nvml_stub, observe):
    nvml_stub.scenario.add("gpu 2 fail nvmlDeviceGetTotalEnergyConsumption 3")
    readings = observe().until("gpu_energy_joules_total", 1, 1_000_000_001)
    assert readings[UUID(2)]["gpu_energy_joules_total"] is None
    assert readings[UUID(2)]["gpu_power_draw_watts"] == 302000


def test_memory_falls_back_to_the_older_call(nvml_stub, observe):
    nvml_stub.scenario.add("fail nvmlDeviceGetMemoryInfo_v2 3")
    readings = observe().until("gpu_memory_used_bytes", 0, 1073741824 + 600000000)
    assert readings[UUID(0)]["gpu_memory_reserved_bytes"] is None


def test_temperature_falls_back_to_the_newer_call(nvml_stub, observe):
    nvml_stub.scenario.add("fail nvmlDeviceGetTemperature 26")
    observe().until("gpu_temperature_celsius", 3, 43)


def newest(observed: Observed) -> list[Process] | None:
    observed.readings()
    return observed.collector.take_processes()


def test_processes_name_their_gpu_user_and_job(nvml_stub, observe):
    sleeper = subprocess.Popen(
        ["sleep", "60"], env=os.environ | {"DCP_JOB_ID": "j0b", "DCP_ATTEMPT": "2"}, start_new_session=True
    )
    try:
        nvml_stub.scenario.add(f"gpu 4 process {sleeper.pid} 512")
        observed = observe()
        processes = eventually(lambda: newest(observed))
    finally:
        sleeper.kill()
        sleeper.wait()
    (process,) = processes
    assert (process.accelerator, process.pid, process.kind) == (UUID(4), sleeper.pid, "compute")
    assert (process.name, process.memory_bytes, process.job_tag) == ("sleep", 512 * 1024**2, "j0b.2")
    assert process.start_ticks is not None
    assert process.user


def test_processes_are_told_again_only_when_somebody_comes_or_goes(nvml_stub, observe):
    nvml_stub.scenario.add("gpu 0 process 999999 100")
    observed = observe()
    assert len(eventually(lambda: newest(observed))) == 1
    nvml_stub.scenario.add("gpu 1 process 999998 100 graphics")
    both = eventually(lambda: newest(observed))
    assert [(p.pid, p.kind, p.name) for p in both] == [(999999, "compute", None), (999998, "graphics", None)]
    nvml_stub.scenario.remove("gpu 0 process 999999 100")
    nvml_stub.scenario.remove("gpu 1 process 999998 100 graphics")
    assert eventually(lambda: newest(observed) == [])


def once(environment: dict[str, str], tmp_path: Path) -> tuple[dict, str]:
    """What `--once` prints in a process of its own, and what it logs."""
    command = [
        sys.executable,
        "-m",
        "monitoring.agent",
        "--once",
        "--interval",
        "0.3",
        "--data-dir",
        str(tmp_path),
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout), done.stderr


def test_a_function_the_driver_lacks_is_none_and_logged_once(nvml_library, tmp_path):
    lacking = ["nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetPcieThroughput"]
    library = build(tmp_path / "older", without=lacking)
    found, logged = once(library_environment(library, Scenario(tmp_path / "scenario").path), tmp_path)
    readings = found["readings"][UUID(0)]
    assert readings["gpu_energy_joules_total"] is None
    assert readings["gpu_pcie_receive_bytes_per_second"] is None
    assert readings["gpu_power_draw_watts"] == 300.0
    assert [logged.count(name) for name in lacking] == [1, 1]


def test_without_any_library_the_host_is_still_read(tmp_path):
    found, _ = once({"LD_LIBRARY_PATH": str(tmp_path)}, tmp_path)
    assert found["facts"]["accelerators"] == []
    assert found["facts"]["driver"] is None
    assert found["readings"]["node"]["memory_used_bytes"] > 0


def test_facts_of_a_gpu_are_complete(nvml_stub, observe):
    facts = observe().collector.accelerators()[7]
    assert (facts.uuid, facts.index, facts.name) == (UUID(7), 7, "Stub GPU 80GB")
    assert facts.memory_total_bytes == 85520809984
    assert facts.pci_bus_id == "00000000:17:00.0"
    assert facts.power_limit_watts == 700.0
    assert facts.compute_capability == "9.0"


def test_the_gateway_logs_an_unknown_function_once(nvml_stub, caplog):
    gateway = Gateway()
    gateway.open()
    with caplog.at_level(logging.WARNING):
        assert gateway.ask("nvmlDeviceGetNothingOfTheKind", key=0) is None
        assert gateway.ask("nvmlDeviceGetNothingOfTheKind", key=1) is None
    gateway.close()
    assert caplog.text.count("nvmlDeviceGetNothingOfTheKind") == 1
