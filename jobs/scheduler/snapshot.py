"""The picture that the policy decides on: queued jobs and nodes, read in one transaction."""

import hashlib
import os
from collections import defaultdict
from datetime import datetime

from django.db.models import Sum

from dcportal.inventory.models import Accelerator, Node
from dcportal.setup import trainer_status
from jobs import board, ports
from jobs.models import Attempt, Environment, Job, JobDependency
from jobs.queries.details import dependency_verdict
from jobs.scheduler.placement import AcceleratorView, Ask, NodeView, Use
from jobs.scheduler.policy import Dependency, QueuedJob, Snapshot
from jobs.states import ATTEMPT_LIVE, Desired, JobState

CONSIDERED = 5000


def build(now: datetime) -> Snapshot:
    """Everything that waits (at most 5,000 jobs, in queue order) and everything it could run on."""
    jobs = tuple(queued_jobs(now))
    return Snapshot(now=now, jobs=jobs, nodes=tuple(node_views()) if jobs else ())


def queued_jobs(now: datetime) -> list[QueuedJob]:
    """Jobs that people want to run and that wait."""
    rows = list(
        Job.objects.filter(state=JobState.QUEUED, desired=Desired.RUN)
        .select_related("queue", "team")
        .defer("request")
        .order_by("-queue__weight", "-priority", "queued_at", "uid")[:CONSIDERED]
    )
    dependencies = _dependencies(rows)
    return [_queued(job, dependencies.get(job.pk, ())) for job in rows]


def _queued(job: Job, dependencies: tuple[Dependency, ...]) -> QueuedJob:
    starts = [moment for moment in (job.not_before, job.retry_at) if moment is not None]
    return QueuedJob(
        uid=job.uid,
        name=job.name,
        ask=ask_of(job),
        queued_at=job.queued_at or job.created_at,
        priority=job.priority,
        queue=job.queue.name,
        queue_weight=job.queue.weight,
        is_queue_open=job.queue.is_open,
        team=job.team.name,
        not_before=max(starts, default=None),
        dependencies=dependencies,
    )


def waiting_for_trainer() -> set[str]:
    """Queued jobs that run in the trainer's environment while that is not installed yet."""
    environment = Environment.objects.filter(is_default=True).first()
    if environment is None or is_installed(environment.interpreter):
        return set()
    rows = Job.objects.filter(state=JobState.QUEUED, environment=environment)
    return set(rows.values_list("uid", flat=True))


def is_installed(interpreter: str) -> bool:
    """False while the set-up is still at work on the trainer's environment, or never began."""
    status = trainer_status.read()
    if status is not None and not status.is_final and not status.is_interrupted:
        return False
    return os.access(interpreter, os.X_OK)


def ask_of(job: Job) -> Ask:
    """What the job takes of a machine."""
    return Ask(
        ranks=job.ranks,
        gpus=job.gpus,
        gpu_type=job.gpu_type or None,
        cpus=job.cpus,
        memory_bytes=job.memory_bytes,
    )


def _dependencies(rows: list[Job]) -> dict[int, tuple[Dependency, ...]]:
    found: dict[int, tuple[Dependency, ...]] = {}
    links = JobDependency.objects.filter(job__in=[job.pk for job in rows]).select_related("on")
    for link in links.only("job_id", "condition", "on__uid", "on__state"):
        state = dependency_verdict(link.condition, link.on.state)
        found[link.job_id] = (*found.get(link.job_id, ()), Dependency(link.on.uid, state))
    return found


def node_views() -> list[NodeView]:
    """Launchable nodes with what live attempts hold of them."""
    claimed, foreign = board.claimed_uuids(), set(ports.foreign_processes())
    plugged: dict[int, list[Accelerator]] = defaultdict(list)
    for gpu in Accelerator.objects.filter(node__in=board.launchable_nodes(), is_simulated=False):
        plugged[gpu.node_id].append(gpu)
    used = _used_by_node()
    return [
        _node_view(node, plugged[node.pk], used.get(node.pk, (0, 0)), claimed, foreign)
        for node in board.launchable_nodes()
    ]


def _used_by_node() -> dict[int, tuple[int, int]]:
    rows = Attempt.objects.filter(state__in=ATTEMPT_LIVE, node__isnull=False).order_by()
    sums = rows.values("node_id").annotate(cpus_sum=Sum("cpus"), memory_sum=Sum("memory_bytes"))
    return {row["node_id"]: (row["cpus_sum"] or 0, row["memory_sum"] or 0) for row in sums}


def _node_view(
    node: Node, gpus: list[Accelerator], used: tuple[int, int], claimed: set[str], foreign: set[str]
) -> NodeView:
    return NodeView(
        uid=node.uid,
        name=node.name,
        is_schedulable=node.schedulable,
        drain_reason=node.unschedulable_reason,
        cpus_total=node.cpu_count or 0,
        cpus_used=used[0],
        memory_total_bytes=node.memory_bytes,
        memory_used_bytes=used[1],
        accelerators=tuple(
            AcceleratorView(gpu.uuid, gpu.model, gpu.index or 0, _use(gpu, claimed, foreign)) for gpu in gpus
        ),
    )


def _use(gpu: Accelerator, claimed: set[str], foreign: set[str]) -> Use:
    if gpu.missing_since is not None:
        return Use.MISSING
    if gpu.uuid in claimed:
        return Use.JOB
    return Use.FOREIGN if gpu.uuid in foreign else Use.FREE


def hash_of(snapshot: Snapshot) -> str:
    """What a decision rested on, apart from the time."""
    return hashlib.sha256(repr((snapshot.jobs, snapshot.nodes)).encode()).hexdigest()
