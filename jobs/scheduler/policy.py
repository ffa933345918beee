"""Which queued jobs start now, and why the others wait: a pure function of a snapshot.

The loop builds a `Snapshot`, calls `decide` and applies the answer by conditional updates. Order is queue
weight, priority, time of queueing; the first job that only lacks room gets a reservation, and later jobs
start only beside it (backfill that cannot delay it). One job runs on one node. Every queued job gets
exactly one decision; a wait is a code with parameters for `jobs.reasons`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jobs.scheduler import placement
from jobs.scheduler.placement import Ask, NodeView, Reservation, Slot, Use

POLICY_VERSION = 1


@dataclass(frozen=True, slots=True)
class Dependency:
    """A job that must end first. state: `waiting`, `satisfied` or `failed` (can never be satisfied)."""

    job_uid: str
    state: str


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """One job that wants to start. Times are aware UTC; `held_by` is a display name, None when free."""

    uid: str
    name: str
    ask: Ask
    queued_at: datetime
    priority: int = 0
    queue: str = "default"
    queue_weight: int = 0
    is_queue_open: bool = True
    team: str = ""
    held_by: str | None = None
    not_before: datetime | None = None
    dependencies: tuple[Dependency, ...] = ()


@dataclass(frozen=True, slots=True)
class TeamLimit:
    """How many GPUs a team may hold at once, and holds now."""

    max_gpus: int
    used_gpus: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a decision rests on, taken in one transaction at `now`."""

    now: datetime
    jobs: tuple[QueuedJob, ...]
    nodes: tuple[NodeView, ...]
    team_limits: dict[str, TeamLimit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Start this job here now."""

    job_uid: str
    slot: Slot


@dataclass(frozen=True, slots=True)
class Wait:
    """Leave this job queued, and say why."""

    job_uid: str
    code: str
    params: dict[str, Any] = field(default_factory=dict)


Decision = Place | Wait

# Every code a Wait can carry; `jobs.reasons` must hold a text for each.
WAIT_CODES = (
    "held_by",
    "not_before",
    "queue_closed",
    "dependency_waiting",
    "dependency_failed",
    "never_fits_gpus",
    "never_fits_cpus",
    "never_fits_memory",
    "no_such_gpu_type",
    "no_launchable_node",
    "node_drained",
    "team_gpu_limit",
    "waiting_for_gpus",
    "gpus_in_foreign_use",
    "cpus_busy",
    "memory_busy",
    "higher_priority_ahead",
)


def decide(snapshot: Snapshot) -> list[Decision]:
    """One decision for each queued job, in the order in which they were considered."""
    pass_ = _Pass(snapshot)
    return [pass_.decide(job) for job in sorted(snapshot.jobs, key=order)]


def order(job: QueuedJob) -> tuple[int, int, datetime, str]:
    """Sort key: who is considered first."""
    return -job.queue_weight, -job.priority, job.queued_at, job.uid


class _Pass:
    """One walk down the queue over a picture of the nodes that shrinks with each job placed."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.now = snapshot.now
        self.nodes = {node.uid: node for node in snapshot.nodes}
        self.team_used = {team: limit.used_gpus for team, limit in snapshot.team_limits.items()}
        self.team_limits = snapshot.team_limits
        self.head: QueuedJob | None = None
        self.reservation: Reservation | None = None

    def decide(self, job: QueuedJob) -> Decision:
        verdict = (
            not_allowed_yet(job, self.now) or never_fits(job, self._nodes()) or self._over_team_limit(job)
        )
        return verdict or self._try_place(job)

    def _nodes(self) -> list[NodeView]:
        return list(self.nodes.values())

    def _over_team_limit(self, job: QueuedJob) -> Wait | None:
        limit = self.team_limits.get(job.team)
        used = self.team_used.get(job.team, 0)
        if limit is None or not job.ask.gpus or used + job.ask.gpus <= limit.max_gpus:
            return None
        params = {"wanted": job.ask.gpus, "used": used, "limit": limit.max_gpus, "team": job.team}
        return Wait(job.uid, "team_gpu_limit", params)

    def _try_place(self, job: QueuedJob) -> Decision:
        node = placement.best(self._seen_by_later_jobs(), job.ask)
        if node is not None:
            return self._place(job, node)
        if placement.best(self._nodes(), job.ask) is not None:
            return self._behind_head(job)
        self._reserve_for(job)
        return no_room(job, self._nodes())

    def _seen_by_later_jobs(self) -> list[NodeView]:
        if self.reservation is None:
            return self._nodes()
        return [placement.beside(node, self.reservation) for node in self._nodes()]

    def _place(self, job: QueuedJob, node: NodeView) -> Place:
        slot = placement.slot_on(node, job.ask)
        whole = self.nodes[node.uid]
        if self.reservation is not None:
            self.reservation = placement.charged(self.reservation, slot, whole)
        self.nodes[node.uid] = placement.take(whole, slot)
        if job.team in self.team_used:
            self.team_used[job.team] += job.ask.gpus
        return Place(job.uid, slot)

    def _behind_head(self, job: QueuedJob) -> Wait:
        assert self.head is not None
        params = {"job_uid": self.head.uid, "job_name": self.head.name, "wanted": job.ask.gpus}
        return Wait(job.uid, "higher_priority_ahead", params)

    def _reserve_for(self, job: QueuedJob) -> None:
        node = placement.nearest_to_fit(self._nodes(), job.ask)
        if self.reservation is None and node is not None:
            self.head = job
            self.reservation = Reservation(job.uid, node.uid, job.ask)


def not_allowed_yet(job: QueuedJob, now: datetime) -> Wait | None:
    """Why the job may not start whatever is free, None when it may."""
    if job.held_by is not None:
        return Wait(job.uid, "held_by", {"by": job.held_by})
    if not job.is_queue_open:
        return Wait(job.uid, "queue_closed", {"queue": job.queue})
    if job.not_before is not None and job.not_before > now:
        return Wait(job.uid, "not_before", {"at": job.not_before.isoformat()})
    return _dependencies(job)


def _dependencies(job: QueuedJob) -> Wait | None:
    for state, code in (("failed", "dependency_failed"), ("waiting", "dependency_waiting")):
        uids = [dependency.job_uid for dependency in job.dependencies if dependency.state == state]
        if uids:
            return Wait(job.uid, code, {"jobs": uids})
    return None


def never_fits(job: QueuedJob, nodes: Sequence[NodeView]) -> Wait | None:
    """Why no node could hold the job even when empty, with the most that could be had; None when one can."""
    launchable = [node for node in nodes if node.is_launchable]
    if not launchable:
        return Wait(job.uid, "no_launchable_node", {"nodes": len(nodes)})
    if any(placement.could_ever_hold(node, job.ask) for node in launchable):
        return _drained(job, launchable)
    return _too_much(job, launchable)


def _drained(job: QueuedJob, launchable: Sequence[NodeView]) -> Wait | None:
    able = [node for node in launchable if placement.could_ever_hold(node, job.ask)]
    if any(node.is_schedulable for node in able):
        return None
    reasons = sorted({node.drain_reason for node in able if node.drain_reason})
    return Wait(job.uid, "node_drained", {"nodes": sorted(node.name for node in able), "reasons": reasons})


def _too_much(job: QueuedJob, launchable: Sequence[NodeView]) -> Wait:
    ask = job.ask
    types = sorted({a.type for node in launchable for a in node.accelerators if a.use is not Use.MISSING})
    if ask.gpus and ask.gpu_type is not None and ask.gpu_type not in types:
        return Wait(job.uid, "no_such_gpu_type", {"type": ask.gpu_type, "types": types})
    most_gpus = max(len(placement.matching(node, ask)) for node in launchable)
    if ask.gpus > most_gpus:
        return Wait(job.uid, "never_fits_gpus", {"wanted": ask.gpus, "most": most_gpus})
    with_gpus = [node for node in launchable if len(placement.matching(node, ask)) >= ask.gpus]
    most_cpus = max(node.cpus_total for node in with_gpus)
    if ask.cpus_needed > most_cpus:
        return Wait(job.uid, "never_fits_cpus", {"wanted": ask.cpus_needed, "most": most_cpus})
    return Wait(job.uid, "never_fits_memory", _memory_params(ask, with_gpus))


def _memory_params(ask: Ask, nodes: Iterable[NodeView]) -> dict[str, Any]:
    most = max((node.memory_total_bytes or 0 for node in nodes), default=0)
    return {"wanted_bytes": ask.memory_bytes, "most_bytes": most}


def no_room(job: QueuedJob, nodes: Sequence[NodeView]) -> Wait:
    """What is missing now on the node that comes nearest."""
    node = placement.nearest_to_fit(nodes, job.ask)
    assert node is not None
    gpus, cpus, memory = placement.shortage(node, job.ask)
    if gpus:
        return _waiting_for_gpus(job, node, nodes)
    if cpus:
        params = {"wanted": job.ask.cpus_needed, "free": node.cpus_free, "node": node.name}
        return Wait(job.uid, "cpus_busy", params)
    params = {"wanted_bytes": job.ask.memory_bytes, "free_bytes": node.memory_free_bytes, "node": node.name}
    return Wait(job.uid, "memory_busy", {**params, "missing_bytes": memory})


def _waiting_for_gpus(job: QueuedJob, node: NodeView, nodes: Sequence[NodeView]) -> Wait:
    """Busy GPUs; says so separately when only processes that are no job of ours stand in the way."""
    free = len(placement.free(node, job.ask))
    foreign = sum(a.use is Use.FOREIGN for a in placement.matching(node, job.ask))
    site_free = sum(len(placement.free(other, job.ask)) for other in nodes if other.is_usable)
    params = {"wanted": job.ask.gpus, "free": free, "node": node.name, "free_on_site": site_free}
    if foreign and free + foreign >= job.ask.gpus:
        return Wait(job.uid, "gpus_in_foreign_use", {**params, "foreign": foreign})
    return Wait(job.uid, "waiting_for_gpus", params)
