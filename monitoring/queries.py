"""Reads of monitoring: readings, freshness, who holds which GPU, what runs on it. All may block."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.db.models import Count, Max, Min, Q, QuerySet

from dcportal.inventory.models import Accelerator, Node
from dcportal.inventory.models.nodes import Lifecycle, Liveness
from monitoring import catalog
from monitoring.ingest import service
from monitoring.models import NodeProcesses, Occupancy
from monitoring.source import reader
from monitoring.store.blocks import unpack
from monitoring.store.codec import MISSING
from monitoring.store.layout import Layout
from monitoring.store.reader import Answer, Points, qualified

MAX_POINTS = 5000
SHARES = {"gpu_memory_used_ratio": "gpu_memory_used_bytes", "memory_used_ratio": "memory_used_bytes"}
"""Ratios that are not stored but made of a stored metric and the entity's memory."""

LATEST_SECONDS = 180
"""How far back a process without rings looks for the newest reading."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How many agents report, of those that ever did; `stale_since`: the longest silence, None if all do."""

    reporting: int
    agents: int
    stale_since: datetime | None
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class Reading:
    """The newest values of a node by entity and metric, in the metric's unit; None = not read."""

    at: datetime
    values: dict[str, dict[str, float | None]]


@dataclass(frozen=True, slots=True)
class AcceleratorProcess:
    """A process on a GPU. `job_tag` is `<job uid>.<attempt>`, None for one that no job of ours started.

    `since`: when it was first seen."""

    node_uid: str
    accelerator_uuid: str
    pid: int
    kind: str
    user: str | None
    name: str | None
    memory_bytes: int | None
    start_ticks: int | None
    cgroup: str | None
    job_tag: str | None
    since: datetime

    @property
    def is_display(self) -> bool:
        """Display servers do not make a GPU busy."""
        return self.kind == "graphics"


def freshness() -> Freshness:
    """How many of the agents that ever reported do so now. Outside ingest `newest` may be 15 s behind."""
    nodes = Node.objects.filter(last_seen_at__isnull=False).exclude(lifecycle=Lifecycle.RETIRED)
    silent = ~Q(liveness=Liveness.LIVE)
    found = nodes.aggregate(
        agents=Count("pk"),
        silent=Count("pk", filter=silent),
        since=Min("last_seen_at", filter=silent),
        newest=Max("last_seen_at"),
    )
    ingest = service.current()
    heard = ingest.book.newest() if ingest is not None else None
    newest = max((moment for moment in (found["newest"], heard) if moment), default=None)
    return Freshness(found["agents"] - found["silent"], found["agents"], found["since"], newest)


def series(
    entities: Sequence[str], metric: str, start: datetime, end: datetime, max_points: int, now: datetime
) -> Answer:
    """History of `metric`: node uids, node parts or accelerator UUIDs; at most `max_points` a series.

    Means, minima and maxima in the metric's unit, NaN for gaps; counters as their rate per second;
    the ratios in SHARES as used over total.
    """
    stored = SHARES.get(metric, metric)
    points = min(max_points, MAX_POINTS)
    answer = reader().query(entities, stored, int(start.timestamp()), _up(end), points, int(now.timestamp()))
    return answer if stored == metric else _as_shares(answer)


def _as_shares(answer: Answer) -> Answer:
    """Bytes over the memory of each GPU or node; those whose memory is unknown are left out."""
    totals = dict(Accelerator.objects.filter(uuid__in=answer.series).values_list("uuid", "memory_bytes"))
    totals |= dict(Node.objects.filter(uid__in=answer.series).values_list("uid", "memory_bytes"))
    shares = {
        entity: Points(points.mean / total, points.low / total, points.high / total)
        for entity, points in answer.series.items()
        if (total := totals.get(entity))
    }
    return Answer(answer.tier, answer.step, answer.start, shares)


def latest(node_uid: str, now: datetime) -> Reading | None:
    """The newest reading of a node, at most three minutes old; None when there is none."""
    ingest = service.current()
    ring = ingest.recorder.ring(node_uid) if ingest is not None else None
    found = ring.latest() if ring is not None else None
    if ring is None or found is None:
        return _latest_stored(node_uid, now)
    second, row = found
    return Reading(datetime.fromtimestamp(second, UTC), _values(node_uid, ring.layout, row))


def _values(node_uid: str, layout: Layout, row: np.ndarray) -> dict[str, dict[str, float | None]]:
    values: dict[str, dict[str, float | None]] = {}
    for column, stored in zip(layout.columns, row.tolist(), strict=True):
        value = None if stored == MISSING else stored / column.scale
        values.setdefault(qualified(node_uid, column.entity), {})[column.metric] = value
    return values


def _latest_stored(node_uid: str, now: datetime) -> Reading | None:
    newest: Reading | None = None
    end = int(now.timestamp())
    for block in reader().store.blocks("minute", node_uid, end - LATEST_SECONDS, end + 1):
        newest = _last_of(node_uid, block.body, block.key.layout) or newest
    return newest


def _last_of(node_uid: str, body: bytes, layout_id: bytes) -> Reading | None:
    layout = reader().store.layout(layout_id)
    head, planes = unpack(body, layout)
    present = (planes[0] != MISSING).any(axis=0)
    if not present.any():
        return None
    slot = int(np.nonzero(present)[0][-1])
    at = datetime.fromtimestamp(head.key.start + slot, UTC)
    return Reading(at, _values(node_uid, layout, planes[0, :, slot]))


def metrics_of(node_uid: str) -> dict[str, list[str]]:
    """Entities of a node and the metrics ever measured on each, in catalogue order."""
    order = {metric: position for position, metric in enumerate(catalog.METRICS)}
    found = reader().metrics_of(node_uid)
    return {entity: sorted(names, key=lambda name: order.get(name, 10**6)) for entity, names in found.items()}


def occupancy_by_accelerator(accelerator_uuids: Sequence[str] | None = None) -> dict[str, Occupancy]:
    """Who holds each GPU now; GPUs that nobody holds are not in it."""
    rows = Occupancy.objects.filter(to_at__isnull=True).exclude(accelerator_uuid="")
    if accelerator_uuids is not None:
        rows = rows.filter(accelerator_uuid__in=accelerator_uuids)
    return {row.accelerator_uuid: row for row in rows}


def occupancy_of_node(node_uid: str, start: datetime, end: datetime) -> QuerySet[Occupancy]:
    """Everything that was held on a node in [start, end): the job lanes of its page."""
    touching = Q(to_at__isnull=True) | Q(to_at__gt=start)
    return Occupancy.objects.filter(touching, node_uid=node_uid, from_at__lt=end).order_by("from_at")


def job_series(
    job_uid: str,
    metric: str,
    start: datetime,
    end: datetime,
    max_points: int,
    now: datetime,
    attempt: int | None = None,
) -> Answer:
    """`metric` of the GPUs (for a node metric: the nodes) a job held, blank outside the time it held them."""
    rows = Occupancy.objects.filter(job_uid=job_uid)
    held = list(rows if attempt is None else rows.filter(attempt=attempt))
    known = catalog.find(metric)
    on_node = known is not None and known.entity == "node"
    spans: dict[str, list[tuple[float, float]]] = {}
    for row in held:
        entity = row.node_uid if on_node else row.accelerator_uuid
        if entity:
            until = (row.to_at or now).timestamp()
            spans.setdefault(entity, []).append((row.from_at.timestamp(), until))
    answer = series(list(spans), metric, start, end, max_points, now)
    times = answer.times()
    clipped = {
        entity: _clipped(points, times, answer.step, spans[entity])
        for entity, points in answer.series.items()
    }
    return Answer(answer.tier, answer.step, answer.start, clipped)


def _clipped(points: Points, times: np.ndarray, step: int, spans: list[tuple[float, float]]) -> Points:
    """Only buckets that touch a span."""
    inside = np.zeros(len(times), dtype=bool)
    for first, last in spans:
        inside |= (times + step > first) & (times < last)
    return Points(*(np.where(inside, line, np.nan) for line in (points.mean, points.low, points.high)))


def accelerator_processes(node_uids: Sequence[str] | None = None) -> list[AcceleratorProcess]:
    """What runs on the GPUs, as their agents last said; display servers are marked, not left out."""
    rows = NodeProcesses.objects.all()
    if node_uids is not None:
        rows = rows.filter(node_uid__in=node_uids)
    return [_process(row.node_uid, process) for row in rows for process in row.processes]


def _process(node_uid: str, row: dict[str, Any]) -> AcceleratorProcess:
    names = ("pid", "kind", "user", "name", "memory_bytes", "start_ticks", "cgroup", "job_tag")
    fields = {name: row[name] for name in names}
    since = datetime.fromisoformat(row["since"])
    return AcceleratorProcess(node_uid=node_uid, accelerator_uuid=row["accelerator"], since=since, **fields)


def _up(moment: datetime) -> int:
    return int(-(-moment.timestamp() // 1))
