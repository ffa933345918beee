"""What jobs would like to know from parts that stand above or beside it.

Each port has a protocol and an answer for when nobody registered: jobs runs and is tested without them.
`AppConfig.ready` of the part that knows calls the matching `register_...`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from jobs.models import Attempt, Job


@dataclass(frozen=True, slots=True)
class ForeignProcess:
    """A process on a GPU that belongs to no job of ours. Times aware UTC; unknown is None."""

    accelerator_uuid: str
    pid: int
    user: str | None = None
    memory_bytes: int | None = None
    since: datetime | None = None


class Telemetry(Protocol):
    """What the measuring side knows, and what it must be told."""

    def foreign_processes(self) -> dict[str, list[ForeignProcess]]:
        """Accelerator UUID -> processes on it that are no job of ours; display servers excepted."""
        ...

    def occupy(self, attempt: Attempt, now: datetime) -> None:
        """These accelerators now work for this attempt. Called inside the transaction that says so."""
        ...

    def release(self, attempt: Attempt, now: datetime) -> None:
        """They no longer do."""
        ...


class Prices(Protocol):
    """What a stretch of a job costs."""

    def cost(self, job: Job, now: datetime) -> dict[str, Any] | None:
        """Energy in kWh, carbon in kg and money of `job` until now; None while unknown."""
        ...


class Headroom(Protocol):
    """Whether a place may take more load."""

    def power_problem(self, node_uid: str, gpus: int) -> dict[str, Any] | None:
        """A reason `{code, params}` why this node must not take so many GPUs more; None when it may."""
        ...


class NodeRisk(Protocol):
    """Which nodes are likely to fail."""

    def risk(self, node_uid: str) -> float | None:
        """Likelihood, 0 to 1, that the node fails within a day; None when unknown."""
        ...


_telemetry: Telemetry | None = None
_prices: Prices | None = None
_headroom: Headroom | None = None
_node_risk: NodeRisk | None = None


def register_telemetry(port: Telemetry | None) -> None:
    global _telemetry
    _telemetry = port


def register_prices(port: Prices | None) -> None:
    global _prices
    _prices = port


def register_headroom(port: Headroom | None) -> None:
    global _headroom
    _headroom = port


def register_node_risk(port: NodeRisk | None) -> None:
    global _node_risk
    _node_risk = port


def foreign_processes() -> dict[str, list[ForeignProcess]]:
    """Empty while nobody measures."""
    return _telemetry.foreign_processes() if _telemetry else {}


def occupy(attempt: Attempt, now: datetime) -> None:
    if _telemetry:
        _telemetry.occupy(attempt, now)


def release(attempt: Attempt, now: datetime) -> None:
    if _telemetry:
        _telemetry.release(attempt, now)


def cost(job: Job, now: datetime) -> dict[str, Any] | None:
    return _prices.cost(job, now) if _prices else None


def power_problem(node_uid: str, gpus: int) -> dict[str, Any] | None:
    return _headroom.power_problem(node_uid, gpus) if _headroom else None


def node_risk(node_uid: str) -> float | None:
    return _node_risk.risk(node_uid) if _node_risk else None
