"""What people want of a job that exists: hold, release, cancel, another priority.

These write `desired` (and the priority); the scheduler turns wishes into states.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from dcportal.audit import actions as audit
from dcportal.common.actors import Actor
from dcportal.common.problems import Conflict, Refusal, invalid
from jobs import access
from jobs.actions.events import emit
from jobs.models import Job
from jobs.states import JOB_OPEN, JOB_WAITING, Desired, JobState

BULK_LIMIT = 500


def hold(actor: Actor, job: Job, now: datetime, expected: int | None = None) -> Job:
    """Keep a waiting job from starting. Raises Conflict once it has started or ended."""
    return _want(actor, job, Desired.HOLD, JOB_WAITING, "hold", now, expected)


def release(actor: Actor, job: Job, now: datetime, expected: int | None = None) -> Job:
    """Let a held job start again. Raises Conflict once it has started or ended."""
    return _want(actor, job, Desired.RUN, JOB_WAITING, "release", now, expected)


def cancel(actor: Actor, job: Job, now: datetime, expected: int | None = None) -> Job:
    """Want the job stopped. It is `cancelled` only when no process is left. Raises Conflict when ended."""
    return _want(actor, job, Desired.STOP, JOB_OPEN | {JobState.DRAFT}, "cancel", now, expected)


def cancel_many(actor: Actor, uids: Iterable[str], now: datetime) -> dict[str, list[dict[str, Any]]]:
    """Cancel each job that can be; says for each other one why not. At most 500 at once."""
    wanted = list(dict.fromkeys(uids))
    if len(wanted) > BULK_LIMIT:
        raise invalid("/jobs", "too_many", maximum=BULK_LIMIT)
    answer: dict[str, list[dict[str, Any]]] = {"cancelled": [], "skipped": []}
    rows = access.jobs_visible_to(actor).select_related("team", "owner").in_bulk(wanted, field_name="uid")
    for uid in wanted:
        try:
            if uid not in rows:
                raise Refusal("not_found")
            cancel(actor, rows[uid], now)
            answer["cancelled"].append({"uid": uid})
        except Refusal as refusal:
            answer["skipped"].append({"uid": uid, "code": refusal.code, "params": dict(refusal.params)})
    return answer


def set_priority(actor: Actor, job: Job, priority: int, now: datetime, expected: int | None = None) -> Job:
    """Move a waiting job forward or back, -1000 to 1000. Raises Conflict once it has started."""
    access.require_change(job, actor)
    if isinstance(priority, bool) or not isinstance(priority, int) or not -1000 <= priority <= 1000:
        raise invalid("/priority", "out_of_range", minimum=-1000, maximum=1000)
    with transaction.atomic():
        before = {"priority": job.priority}
        _write(job, {"priority": priority}, JOB_WAITING, now, expected)
        audit.record(actor, "job.priority", job, before=before, after={"priority": priority}, now=now)
        emit(
            job, "action", "priority_changed", now, by=actor.name, **{"from": before["priority"]}, to=priority
        )
    return job


def _want(
    actor: Actor,
    job: Job,
    desired: str,
    states: frozenset[str],
    verb: str,
    now: datetime,
    expected: int | None,
) -> Job:
    access.require_change(job, actor)
    with transaction.atomic():
        job.refresh_from_db(fields=["state", "desired", "desired_by", "desired_at", "revision", "event_seq"])
        if job.desired == Desired.STOP and desired != Desired.STOP and job.state in JOB_OPEN:
            raise Conflict("already_stopping")
        if job.desired == desired and job.state in states:
            return job
        before = {"desired": job.desired}
        changes = {"desired": desired, "desired_by": actor.name, "desired_at": now}
        _write(job, changes, states, now, expected)
        audit.record(actor, f"job.{verb}", job, before=before, after={"desired": desired}, now=now)
        emit(job, "action", f"{verb}_requested", now, by=actor.name)
    return job


def _write(
    job: Job, changes: dict[str, Any], states: frozenset[str], now: datetime, expected: int | None
) -> None:
    """Conditional on the state (and the revision the caller saw, if it says so)."""
    rows = Job.objects.filter(pk=job.pk, state__in=states)
    if expected is not None:
        rows = rows.filter(revision=expected)
    if not rows.update(**changes, updated_at=now, revision=F("revision") + 1):
        job.refresh_from_db(fields=["state", "revision"])
        if job.state in states:
            raise Conflict("changed_meanwhile")
        raise Conflict("job_is", state=job.state)
    for name, value in changes.items():
        setattr(job, name, value)
    job.revision += 1
    job.updated_at = now
