"""A made-up fleet for demonstrations and load tests, flagged `simulated` in every hello.

Seeded: the same seed gives the same machines with the same UUIDs and the same sequence of work.
Work comes in phases per node (training over all GPUs, single-GPU jobs, serving, idle); heat and
energy follow power, so charts look like a hall and not like noise.
"""

from __future__ import annotations

import math
import random
import uuid
from dataclasses import dataclass
from typing import Literal

from monitoring import catalog
from monitoring.agent.collectors.base import Happening, Values
from monitoring.protocol import AcceleratorFacts, ColumnGroup, NodeFacts, Process

_GIB = 1024**3
_MEMORY_BYTES = 80 * _GIB
_LIMIT_WATTS = 700.0
_IDLE_WATTS = 75.0
_HOST_MEMORY_BYTES = 2048 * _GIB
_NAMESPACE = uuid.UUID("5b1f6a3e-0d7c-4c46-9d7c-6b7a1f0e9d11")

GPU_METRICS = [
    "gpu_utilisation_ratio",
    "gpu_memory_copy_utilisation_ratio",
    "gpu_memory_used_bytes",
    "gpu_power_draw_watts",
    "gpu_power_limit_watts",
    "gpu_energy_joules_total",
    "gpu_temperature_celsius",
    "gpu_memory_temperature_celsius",
    "gpu_sm_clock_megahertz",
    "gpu_memory_clock_megahertz",
    "gpu_throttle_reasons_bitmask",
    "gpu_pcie_transmit_bytes_per_second",
    "gpu_pcie_receive_bytes_per_second",
    "gpu_ecc_corrected_errors_total",
    "gpu_ecc_uncorrected_errors_total",
]
NODE_METRICS = [
    "cpu_utilisation_ratio",
    "load_average_1m",
    "memory_used_bytes",
    "memory_available_bytes",
    "node_power_watts",
    "cpu_power_watts",
    "uptime_seconds",
]
_NET = ["network_receive_bytes_per_second", "network_transmit_bytes_per_second"]
_DISK = ["disk_read_bytes_per_second", "disk_write_bytes_per_second"]


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of work: how busy a GPU is, how deep and how often it dips, memory, share of phases."""

    name: str
    busy: float
    dip: float
    period_seconds: float
    memory: float
    weight: int
    whole_node: bool


KINDS = (
    Work("train", 0.97, 0.10, 9.0, 0.86, 6, True),
    Work("train-starved", 0.55, 0.45, 5.0, 0.62, 2, True),
    Work("finetune", 0.92, 0.15, 6.0, 0.71, 3, False),
    Work("serve", 0.42, 0.30, 47.0, 0.55, 3, False),
    Work("notebook", 0.02, 0.02, 60.0, 0.12, 1, False),
    Work("idle", 0.0, 0.0, 1.0, 0.0, 3, False),
)


class SimulatedGpu:
    """One made-up GPU: power follows use, temperature follows power with a lag, energy adds up."""

    def __init__(self, chance: random.Random, uid: str, index: int) -> None:
        self.uuid, self.index = uid, index
        self.work = KINDS[-1]
        self._chance = chance
        self._phase = chance.uniform(0, 60)
        self._ambient_celsius = chance.uniform(26, 33) + (
            12 if chance.random() < 0.02 else 0
        )  # a blocked duct
        self._celsius = self._ambient_celsius + 6
        self._energy_joules = chance.uniform(1e8, 9e9)
        self._watts = _IDLE_WATTS
        self._ecc = 0

    @property
    def watts(self) -> float:
        """Power at the last step."""
        return self._watts

    def step(self, monotonic: float, seconds: float) -> Values:
        """Readings after `seconds` more of the present work, in `GPU_METRICS` order, stored."""
        use = self._use(monotonic)
        target_watts = _IDLE_WATTS + use * (_LIMIT_WATTS * 0.93 - _IDLE_WATTS) * self._chance.uniform(
            0.97, 1.03
        )
        self._watts += (target_watts - self._watts) * min(1.0, seconds / 1.5)
        self._energy_joules += self._watts * seconds
        self._celsius += (self._resting_celsius() - self._celsius) * min(1.0, seconds / 40)
        self._ecc += self._chance.random() < 2e-6 * seconds
        return self._row(use)

    def _use(self, monotonic: float) -> float:
        work = self.work
        wave = 0.5 + 0.5 * math.sin((monotonic + self._phase) * math.tau / work.period_seconds)
        pause = 0.6 if work.whole_node and monotonic % 600 < 8 else 0.0  # a checkpoint is written
        return max(0.0, min(1.0, work.busy - work.dip * wave * self._chance.random() - pause * work.busy))

    def _resting_celsius(self) -> float:
        return self._ambient_celsius + 6 + self._watts * 0.062

    def _row(self, use: float) -> Values:
        hot = self._celsius > 85
        clock = 1980 if use > 0.01 else 345
        used_bytes = int(self.work.memory * _MEMORY_BYTES) + 450 * 1024**2
        return [
            round(use * 100),
            round(use * 55),
            used_bytes // 2**21 * 2**21,
            round(self._watts * 1000),
            round(_LIMIT_WATTS * 1000),
            round(self._energy_joules * 1000),
            round(self._celsius),
            round(self._celsius + 8 + 4 * use),
            round(clock * 0.82) if hot else clock,
            2619,
            0x20 if hot else 0x1 if use <= 0.01 else 0x4 if self._watts > _LIMIT_WATTS * 0.92 else 0,
            round(use * 3.1e9 * self._chance.uniform(0.8, 1.0)),
            round(use * 5.2e9 * self._chance.uniform(0.8, 1.0)),
            self._ecc,
            0,
        ]


class SimulatedNode:
    """One made-up node with its GPUs; does what a real one does for the sampler."""

    collector: Literal["real", "simulated"] = "simulated"

    def __init__(self, *, seed: int, number: int, gpus: int, host_boot_id: str) -> None:
        self._name = f"{seed}-{number}"
        self._chance = random.Random(self._name)
        self._number = number
        self._boot_id = str(uuid.uuid5(_NAMESPACE, f"{host_boot_id}/{self._name}"))
        uids = [f"GPU-{uuid.uuid5(_NAMESPACE, f'{self._name}/{index}')}" for index in range(gpus)]
        self._gpus = [SimulatedGpu(self._chance, uid, index) for index, uid in enumerate(uids)]
        self._last_step: float | None = None
        self._next_work: dict[int, float] = {}
        self._processes_changed = True
        self._is_new = True

    def refresh(self, monotonic: float) -> bool:
        """True at the first call; made-up nodes do not change their parts."""
        self._assign_work(monotonic)
        is_new, self._is_new = self._is_new, False
        return is_new

    def facts(self) -> NodeFacts:
        """Plausible facts that say "Simulated" wherever a person looks."""
        return NodeFacts(
            hostname=f"demo-{self._number + 1:02d}",
            machine_id=f"simulated-{self._name}",
            boot_id=self._boot_id,
            cpu_model="Simulated CPU, 2 x 56 cores",
            cores=112,
            threads=224,
            memory_total_bytes=_HOST_MEMORY_BYTES,
            os="Simulated",
            architecture="x86_64",
            driver="0.0 (simulated)",
            accelerators=[self._gpu_facts(gpu) for gpu in self._gpus],
            notes=["simulated"],
        )

    def groups(self) -> list[ColumnGroup]:
        """The node, one disk, one interface, its GPUs."""
        gpus = [ColumnGroup(gpu.uuid, GPU_METRICS) for gpu in self._gpus]
        parts = [ColumnGroup("disk:nvme0n1", _DISK), ColumnGroup("net:ib0", _NET)]
        return [ColumnGroup(catalog.NODE_ENTITY, NODE_METRICS), *parts, *gpus]

    def read(self, monotonic: float) -> Values:
        """One value per column."""
        seconds = 1.0 if self._last_step is None else max(0.0, monotonic - self._last_step)
        self._last_step = monotonic
        rows = [gpu.step(monotonic, seconds) for gpu in self._gpus]
        return [*self._host(monotonic), *(value for row in rows for value in row)]

    def take_happenings(self) -> list[Happening]:
        """Made-up nodes have no accidents."""
        return []

    def take_processes(self) -> list[Process] | None:
        """One process per busy GPU, when work changed."""
        if not self._processes_changed:
            return None
        self._processes_changed = False
        return [self._process(gpu) for gpu in self._gpus if gpu.work.name != "idle"]

    def close(self) -> None:
        """Nothing is held open."""

    def _host(self, monotonic: float) -> Values:
        busy = sum(gpu.work.busy for gpu in self._gpus) / max(1, len(self._gpus))
        noise = self._chance.uniform(0.9, 1.1)
        used = int(_HOST_MEMORY_BYTES * (0.04 + 0.3 * busy))
        cpu = min(1.0, (0.02 + 0.28 * busy) * noise)
        gpu_watts = sum(gpu.watts for gpu in self._gpus)
        return [
            round(cpu * 1000),
            round(cpu * 224 * 100),
            used,
            _HOST_MEMORY_BYTES - used,
            round((620 + 380 * cpu + 1.06 * gpu_watts) * 1000),
            round((180 + 500 * cpu) * 1000),
            int(monotonic),
            round(busy * 1.4e9 * noise),
            round(busy * 2.1e8 * noise),
            round(busy * 9e9 * noise),
            round(busy * 9e9 * self._chance.uniform(0.9, 1.1)),
        ]

    def _assign_work(self, monotonic: float) -> None:
        due = [gpu for gpu in self._gpus if monotonic >= self._next_work.get(gpu.index, 0.0)]
        if not due:
            return
        self._processes_changed = True
        kind = self._chance.choices(KINDS, [work.weight for work in KINDS])[0]
        until = monotonic + self._chance.uniform(240, 1800)
        for gpu in self._gpus if kind.whole_node else due[:1]:
            gpu.work = kind
            self._next_work[gpu.index] = until

    def _gpu_facts(self, gpu: SimulatedGpu) -> AcceleratorFacts:
        return AcceleratorFacts(
            uuid=gpu.uuid,
            index=gpu.index,
            name="Simulated GPU 80GB",
            memory_total_bytes=_MEMORY_BYTES,
            pci_bus_id=f"00000000:{0x10 + gpu.index:02X}:00.0",
            power_limit_watts=_LIMIT_WATTS,
            compute_capability="9.0",
        )

    def _process(self, gpu: SimulatedGpu) -> Process:
        return Process(
            pid=100_000 + self._number * 64 + gpu.index,
            accelerator=gpu.uuid,
            user="demo",
            name=gpu.work.name,
            memory_bytes=int(gpu.work.memory * _MEMORY_BYTES),
        )


def make_fleet(nodes: int, gpus: int, *, seed: int, host_boot_id: str) -> list[SimulatedNode]:
    """`nodes` made-up nodes with `gpus` GPUs each."""
    return [SimulatedNode(seed=seed, number=n, gpus=gpus, host_boot_id=host_boot_id) for n in range(nodes)]
