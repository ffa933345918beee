"""The end of an attempt: last lines read, accelerators free, the job ended or queued again."""

from datetime import datetime
from typing import Any

from dcportal.notify import outbox
from jobs import ports
from jobs.actions import emit, move_attempt, move_job
from jobs.engines.base import EngineReport
from jobs.models import AcceleratorClaim, Attempt, Job
from jobs.scheduler import causes
from jobs.scheduler.crashpoints import reached
from jobs.scheduler.follower import Follower
from jobs.scheduler.lease import Lease
from jobs.states import JobState


def settle(lease: Lease, follower: Follower, attempt: Attempt, report: EngineReport, now: datetime) -> None:
    """Close an attempt of which the engine says that no process is left."""
    follower.follow_to_the_end(lease, attempt, now)
    reached("before_settle")
    with lease.transaction(now):
        attempt = Attempt.objects.select_related("job", "job__team", "job__owner", "node").get(pk=attempt.pk)
        job = attempt.job
        verdict = causes.judge(_ending(attempt, job, report), now)
        ended = {"ended_at": _ended_at(attempt, report, now), **_last_words(report, verdict.cause)}
        if not move_attempt(attempt, verdict.attempt_state, now, **ended):
            return
        AcceleratorClaim.objects.filter(attempt=attempt, to_at=None).update(to_at=attempt.ended_at)
        ports.release(attempt, ended["ended_at"])
        if _move_job(job, attempt, verdict, now):
            _tell(job, attempt, verdict, now)
    reached("settled")


def _ended_at(attempt: Attempt, report: EngineReport, now: datetime) -> datetime:
    """When it really ended: a run may end while no scheduler looks, and is not longer for that."""
    began = attempt.running_at or attempt.starting_at or attempt.created_at
    return min(max(report.ended_at, began), now) if report.ended_at else now


def end_unstarted(job: Job, now: datetime) -> bool:
    """Cancel a job that has no live attempt. Call within a lease's transaction; False when it moved on."""
    cause = {"code": "cancelled_before_start", "params": {"by": job.desired_by}, "v": 1}
    if not move_job(job, JobState.CANCELLED, now, reason=cause, eta_at=None):
        return False
    _notify(job, cause, now)
    emit(job, "state", "job_cancelled", now, **_spoken(cause))
    return True


def _ending(attempt: Attempt, job: Job, report: EngineReport) -> causes.Ending:
    return causes.Ending(
        report=report,
        told=attempt.cause,
        desired=job.desired,
        was_asked_to_stop=attempt.stop_requested_at is not None,
        stopped_by=job.desired_by,
        preempted_for=attempt.preempted_for,
        retries_used=job.retries_used,
        max_retries=job.max_retries,
        requeues_used=job.requeues_used,
    )


def _last_words(report: EngineReport, cause: dict[str, Any]) -> dict[str, Any]:
    return {
        "cause": cause,
        "exit_code": report.exit_code,
        "signal": report.signal,
        "raw_state": report.raw_state[:64],
        "raw_reason": report.raw_reason[:500],
        "rank_exits": {str(rank): code for rank, code in report.rank_exits.items()},
    }


def _move_job(job: Job, attempt: Attempt, verdict: causes.Verdict, now: datetime) -> bool:
    again = verdict.job_state == JobState.QUEUED
    columns: dict[str, Any] = {
        "reason": verdict.cause,
        "exit_code": attempt.exit_code,
        "eta_at": None,
        "phase": "",
        "engine_unreachable_since": None,
        "retries_used": verdict.retries_used,
        "requeues_used": verdict.requeues_used,
        "retry_at": verdict.retry_at,
    }
    if again:
        columns["queued_at"] = job.queued_at  # its place in the queue stays
    else:
        columns["ended_at"] = attempt.ended_at
    return move_job(job, verdict.job_state, now, **columns)


def _tell(job: Job, attempt: Attempt, verdict: causes.Verdict, now: datetime) -> None:
    if verdict.job_state != JobState.QUEUED:
        _notify(job, verdict.cause, now)
    code = "job_requeued" if verdict.job_state == JobState.QUEUED else f"job_{verdict.job_state}"
    emit(job, "state", code, now, attempt=attempt.number, **_spoken(verdict.cause, attempt.number))


def _spoken(cause: dict[str, Any], attempt: int | None = None) -> dict[str, Any]:
    return {"cause": cause} if attempt is None else {"cause": cause, "attempt_number": attempt}


def _notify(job: Job, cause: dict[str, Any], now: datetime) -> None:
    outbox.put(
        event="job.ended",
        team=job.team,
        owner=job.owner,
        subject_uid=job.uid,
        payload={
            "job": job.uid,
            "name": job.name,
            "state": job.state,
            "cause": cause,
            "owner": job.owner.username,
            "team": job.team.name,
            "ended_at": (job.ended_at or now).isoformat(),
        },
        now=now,
    )
