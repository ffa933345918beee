"""Sums over the newest readings of all real nodes. Simulated nodes enter no sum."""

from dataclasses import dataclass
from datetime import datetime

from dcportal.inventory.models import Node
from dcportal.inventory.models.nodes import Liveness
from monitoring.queries import latest

MOST_NODES = 1000


@dataclass(frozen=True, slots=True)
class FleetNow:
    """power_watts: sum of the nodes that measure it (`num_measured` of `num_nodes`), None if none does.
    utilisation_ratio: mean over GPUs, or over CPUs where there is no GPU."""

    num_nodes: int
    num_live: int
    power_watts: float | None
    num_measured: int
    utilisation_ratio: float | None
    is_gpu: bool


def fleet_now(now: datetime) -> FleetNow:
    """The figures of the overview's tiles."""
    nodes = list(Node.objects.filter(is_simulated=False).values_list("uid", "liveness")[:MOST_NODES])
    live = [uid for uid, liveness in nodes if liveness == Liveness.LIVE]
    readings = [reading for uid in live if (reading := latest(uid, now))]
    power = [watts for reading in readings if (watts := node_watts(reading.values)) is not None]
    gpu = column(readings, "gpu_utilisation_ratio")
    cpu = column(readings, "cpu_utilisation_ratio")
    return FleetNow(
        num_nodes=len(nodes),
        num_live=len(live),
        power_watts=sum(power) if power else None,
        num_measured=len(power),
        utilisation_ratio=mean(gpu or cpu),
        is_gpu=bool(gpu),
    )


def node_watts(values: dict[str, dict[str, float | None]]) -> float | None:
    """The node's own meter, else the sum of what its parts measure (CPU package and GPUs)."""
    every = list(values.values())
    whole = next((m["node_power_watts"] for m in every if m.get("node_power_watts") is not None), None)
    if whole is not None:
        return whole
    parts = [m.get(name) for m in every for name in ("cpu_power_watts", "gpu_power_draw_watts")]
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def column(readings: list, metric: str) -> list[float]:  # type: ignore[type-arg]
    return [
        value
        for reading in readings
        for metrics in reading.values.values()
        if (value := metrics.get(metric)) is not None
    ]


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
