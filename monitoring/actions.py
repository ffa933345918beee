"""Writes of monitoring. `occupy` and `release` run inside a jobs action's transaction, which audits them."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction

from dcportal.inventory.models import Accelerator, HardwareEvent, Node
from monitoring.models import NodeProcesses, Occupancy
from monitoring.protocol import Event, Process

logger = logging.getLogger(__name__)


def occupy(
    *,
    job_uid: str,
    attempt: int,
    owner: str,
    team: str,
    node_uid: str,
    accelerator_uuids: Sequence[str],
    now: datetime,
) -> list[Occupancy]:
    """Note that an attempt holds these GPUs of a node from `now` on; none means CPUs only.

    The caller's claims decide who may hold a GPU: a record that still names another attempt was left over by
    a crash and ends here.
    """
    left_over = release_accelerators(accelerator_uuids, now)
    if left_over:
        logger.warning("%s.%s: %s occupancies left over end now", job_uid, attempt, left_over)
    return Occupancy.objects.bulk_create(
        Occupancy(
            accelerator_uuid=uuid,
            node_uid=node_uid,
            job_uid=job_uid,
            attempt=attempt,
            owner=owner,
            team=team,
            from_at=now,
        )
        for uuid in (accelerator_uuids or [""])
    )


def release(*, job_uid: str, attempt: int, now: datetime) -> int:
    """End everything an attempt holds; returns how much that was. Again is harmless."""
    held = Occupancy.objects.filter(job_uid=job_uid, attempt=attempt, to_at__isnull=True)
    return held.update(to_at=now)


def release_accelerators(accelerator_uuids: Sequence[str], now: datetime) -> int:
    """End whatever holds these GPUs; returns how much that was."""
    held = Occupancy.objects.filter(accelerator_uuid__in=accelerator_uuids, to_at__isnull=True)
    return held.update(to_at=now)


def note_processes(node_uid: str, processes: Sequence[Process], now: datetime) -> None:
    """Keep the processes that a node's agent sees on its GPUs, in place of the ones before.

    Each keeps the time it was first seen; pid and start ticks tell a process from a later one of its pid.
    """
    with transaction.atomic():
        before = NodeProcesses.objects.filter(node_uid=node_uid).first()
        since = {_identity(row): row["since"] for row in before.processes} if before else {}
        rows = [msgspec.to_builtins(process) for process in processes]
        for row in rows:
            row["since"] = since.get(_identity(row), now.isoformat())
        NodeProcesses.objects.update_or_create(
            node_uid=node_uid, defaults={"seen_at": now, "processes": rows}
        )


def _identity(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["pid"], row["start_ticks"], row["accelerator"]


def note_hardware_event(node_uid: str, event: Event, at: datetime) -> bool:
    """Keep what befell a node or GPU; False when it is known already (agents send again after a cut)."""
    with transaction.atomic():
        node = Node.objects.filter(uid=node_uid).first()
        if node is None:
            return False
        accelerator = Accelerator.objects.filter(uuid=event.entity, node=node).first()
        params = {**event.params, "monotonic_ms": event.monotonic_ms, "boot_id": event.boot_id}
        known = HardwareEvent.objects.filter(
            node=node, accelerator=accelerator, code=event.kind[:32], params=params
        )
        if known.exists():
            return False
        HardwareEvent.objects.create(
            at=at, node=node, accelerator=accelerator, code=event.kind[:32], params=params
        )
        return True
