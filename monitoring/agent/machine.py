"""This machine as one node: host, power and NVML collectors side by side."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

from monitoring.agent.clock import Clock
from monitoring.agent.collectors.base import Collector, Happening, Paced, Values
from monitoring.agent.collectors.fabric import FabricCollector
from monitoring.agent.collectors.host import HostCollector
from monitoring.agent.collectors.nvml.collector import NvmlCollector
from monitoring.agent.collectors.nvml.gateway import Gateway
from monitoring.agent.collectors.nvml.watcher import Watcher
from monitoring.agent.collectors.power import UNREADABLE, PowerCollector, how_to_make_readable
from monitoring.agent.facts import read_facts
from monitoring.protocol import ColumnGroup, NodeFacts, Process

log = logging.getLogger("dcportal.agent")


class DropCount:
    """A column that tells how many frames this agent had to drop."""

    name = "agent"

    def __init__(self, dropped: Callable[[], int]) -> None:
        self._dropped = dropped

    def refresh(self, monotonic: float) -> bool:
        """Never changes."""
        return False

    def groups(self) -> list[ColumnGroup]:
        """One column of the node."""
        return [ColumnGroup("", ["agent_dropped_frames_total"])]

    def read(self, monotonic: float) -> Values:
        """The count since the agent started."""
        return [self._dropped()]

    def close(self) -> None:
        """Nothing is held open."""


class Machine:
    """The node this agent runs on. Made by `this_machine`."""

    collector: Literal["real", "simulated"] = "real"

    def __init__(
        self, *, host: HostCollector, power: PowerCollector, nvml: NvmlCollector, more: list[Collector]
    ) -> None:
        self._power, self._nvml = power, nvml
        self._collectors: list[Collector] = [host, power, nvml, *more]
        self._paced = [Paced(collector) for collector in self._collectors]
        self._is_new = True

    def refresh(self, monotonic: float) -> bool:
        """True when columns or facts changed, and at the first call."""
        changed = [paced.refresh(monotonic) for paced in self._paced]
        is_new, self._is_new = self._is_new, False
        return is_new or any(changed)

    def facts(self) -> NodeFacts:
        """What this machine is, GPUs as of the last refresh."""
        driver = self._nvml.driver
        return read_facts(
            accelerators=self._nvml.accelerators(),
            driver=driver.version,
            cuda=driver.cuda,
            notes=self._power.notes(),
        )

    def groups(self) -> list[ColumnGroup]:
        """All columns in the order `read` answers them."""
        return [group for collector in self._collectors for group in collector.groups()]

    def read(self, monotonic: float) -> Values:
        """One value per column; a collector that fails is None and is left out for a while."""
        return [value for paced in self._paced for value in paced.read(monotonic)]

    def take_happenings(self) -> list[Happening]:
        """What happened to the GPUs since the last call."""
        return self._nvml.take_happenings()

    def take_processes(self) -> list[Process] | None:
        """All processes on the GPUs when that list changed."""
        return self._nvml.take_processes()

    def close(self) -> None:
        """Stop the collectors' threads."""
        for collector in self._collectors:
            collector.close()


def this_machine(*, clock: Clock, per_core: bool, dropped: Callable[[], int]) -> Machine:
    """The real node. Says once how power becomes readable where it is not."""
    power = PowerCollector(clock=clock)
    if UNREADABLE in power.notes():
        log.info("power: the CPU's energy counters are not readable; as root:\n%s", how_to_make_readable())
    return Machine(
        host=HostCollector(clock=clock, per_core=per_core),
        power=power,
        nvml=NvmlCollector(Watcher(Gateway(), clock=clock), clock=clock),
        more=[FabricCollector(), DropCount(dropped)],
    )
