"""Turning the policy's answers into rows: attempts for those that start, reasons for those that wait."""

import logging
import os
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError

from dcportal.common.changes import create
from dcportal.common.reasons import reason
from dcportal.inventory.models import Node
from jobs import paths, ports
from jobs.actions import emit, move_job
from jobs.models import AcceleratorClaim, Attempt, Checkpoint, Decision, Job
from jobs.scheduler import snapshot
from jobs.scheduler.crashpoints import reached
from jobs.scheduler.lease import Lease
from jobs.scheduler.placement import Slot
from jobs.scheduler.policy import POLICY_VERSION, Place, Wait, decide
from jobs.states import AttemptState, Desired, JobState

logger = logging.getLogger(__name__)
COMMIT_SECONDS = 0.05
CHECKPOINTS_TRIED = 20


def schedule(lease: Lease, now: datetime) -> int:
    """Decide on every queued job and write it down; returns how many start."""
    picture = snapshot.build(now)
    if not picture.jobs:
        return 0
    unready = snapshot.waiting_for_trainer()
    ready = replace(picture, jobs=tuple(job for job in picture.jobs if job.uid not in unready))
    decisions, hashed = decide(ready), snapshot.hash_of(picture)
    decisions += [Wait(uid, "trainer_being_installed") for uid in sorted(unready)]
    started = sum(
        _place(lease, decision, hashed, now) for decision in decisions if isinstance(decision, Place)
    )
    _note_waits(lease, [decision for decision in decisions if isinstance(decision, Wait)], hashed, now)
    return started


def _place(lease: Lease, decision: Place, hashed: str, now: datetime) -> bool:
    try:
        with lease.transaction(now):
            placed = _write_attempt(decision.job_uid, decision.slot, hashed, now)
    except IntegrityError:
        logger.exception("an accelerator for job %s is taken already; nothing was started", decision.job_uid)
        return False
    reached("attempt_written")
    return placed


def _write_attempt(job_uid: str, slot: Slot, hashed: str, now: datetime) -> bool:
    job = Job.objects.select_related("team", "owner").get(uid=job_uid)
    node = Node.objects.get(uid=slot.node_uid)
    refusal = ports.power_problem(node.uid, len(slot.accelerator_uuids))
    if refusal is not None:
        Job.objects.filter(pk=job.pk).update(reason=refusal)
        return False
    number = job.attempts_made + 1
    if job.desired != Desired.RUN or not _move_to_starting(job, node, number, now):
        return False
    attempt = _attempt(job, node, slot, number, now)
    params = {"node": node.name, "gpus": len(slot.accelerator_uuids), "attempt_number": number}
    _remember(job.pk, "place", "job_placed", params, hashed, now)
    ports.occupy(attempt, now)
    emit(job, "state", "job_placed", now, attempt=number, **params)
    return True


def _move_to_starting(job: Job, node: Node, number: int, now: datetime) -> bool:
    fresh = {"running_at": None, "stopping_at": None, "retry_at": None, "eta_at": None, "exit_code": None}
    return move_job(
        job,
        JobState.STARTING,
        now,
        attempts_made=number,
        engine=node.launch_engine,
        reason=None,
        phase="",
        **fresh,
    )


def _attempt(job: Job, node: Node, slot: Slot, number: int, now: datetime) -> Attempt:
    attempt = create(
        Attempt(
            job=job,
            number=number,
            tag=f"{job.uid}.{number}",
            state=AttemptState.PREPARED,
            engine=node.launch_engine,
            node=node,
            accelerator_uuids=list(slot.accelerator_uuids),
            cpus=slot.cpus,
            memory_bytes=slot.memory_bytes,
            run_dir=str(Path(settings.RUNS_DIR) / job.uid / str(number)),
            resumed_from=newest_checkpoint(job),
        ),
        now,
    )
    AcceleratorClaim.objects.bulk_create(
        AcceleratorClaim(attempt=attempt, accelerator_uuid=uuid, from_at=now)
        for uuid in slot.accelerator_uuids
    )
    return attempt


def newest_checkpoint(job: Job) -> Checkpoint | None:
    """Where a further attempt goes on: the newest checkpoint whose files are still there."""
    rows = job.checkpoints.filter(missing_since__isnull=True).select_related("attempt")
    newest = rows.order_by("-attempt__number", "-step", "-saved_at")[:CHECKPOINTS_TRIED]
    return next((row for row in newest if _is_there(row)), None)


def _is_there(checkpoint: Checkpoint) -> bool:
    try:
        os.close(paths.open_below(Path(checkpoint.attempt.run_dir) / "work", checkpoint.path))
    except OSError:
        return False
    return True


def _note_waits(lease: Lease, waits: Iterable[Wait], hashed: str, now: datetime) -> None:
    """Write reasons that changed, committing every 50 ms so that others get their turn."""
    rows = Job.objects.filter(uid__in=[wait.job_uid for wait in waits]).values_list("uid", "pk", "reason")
    known = {uid: (pk, told) for uid, pk, told in rows}
    changed = [wait for wait in waits if wait.job_uid in known and _differs(known[wait.job_uid][1], wait)]
    while changed:
        until = time.monotonic() + COMMIT_SECONDS
        with lease.transaction(now):
            while changed and time.monotonic() < until:
                wait = changed.pop()
                _write_wait(wait, *known[wait.job_uid], hashed, now)


def _differs(known: dict[str, object] | None, wait: Wait) -> bool:
    return known is None or (known["code"], known["params"]) != (wait.code, wait.params)


def _write_wait(wait: Wait, pk: int, before: dict[str, Any] | None, hashed: str, now: datetime) -> None:
    rows = Job.objects.filter(pk=pk, state=JobState.QUEUED)
    written = rows.update(reason=reason(wait.code, **wait.params), updated_at=now)
    if written and (before or {}).get("code") != wait.code:
        _remember(pk, "wait", wait.code, wait.params, hashed, now)


def _remember(
    job_pk: int, verdict: str, code: str, params: dict[str, Any], hashed: str, now: datetime
) -> None:
    Decision.objects.create(
        job_id=job_pk,
        at=now,
        verdict=verdict,
        code=code,
        params=params,
        snapshot_hash=hashed,
        policy_version=POLICY_VERSION,
    )
