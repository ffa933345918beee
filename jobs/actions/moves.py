"""Changes of state by conditional UPDATE: a move that the tables do not allow, or that comes too late,
changes nothing."""

from datetime import datetime
from typing import Any

from django.db.models import F

from jobs.models import Attempt, Job
from jobs.states import ATTEMPT_MOVES, JOB_MOVES, AttemptState, JobState, may_move

_JOB_TIMES = {
    JobState.QUEUED: "queued_at",
    JobState.HELD: "held_at",
    JobState.STARTING: "starting_at",
    JobState.RUNNING: "running_at",
    JobState.STOPPING: "stopping_at",
    JobState.SUCCEEDED: "ended_at",
    JobState.FAILED: "ended_at",
    JobState.CANCELLED: "ended_at",
}
_ATTEMPT_TIMES = {
    AttemptState.SUBMITTED: "submitted_at",
    AttemptState.STARTING: "starting_at",
    AttemptState.RUNNING: "running_at",
    AttemptState.STOPPING: "stopping_at",
}


def move_job(job: Job, to: str, now: datetime, **columns: Any) -> bool:
    """Move the job from the state it was read in. False when not allowed or someone moved it meanwhile."""
    if not may_move(JOB_MOVES, job.state, to):
        return False
    changes = {"state": to, _JOB_TIMES[JobState(to)]: now, **columns}
    written = Job.objects.filter(pk=job.pk, state=job.state).update(
        **changes, updated_at=now, revision=F("revision") + 1
    )
    if written == 1:
        _reflect(job, changes, now)
    return written == 1


def move_attempt(attempt: Attempt, to: str, now: datetime, **columns: Any) -> bool:
    """Move the attempt from the state it was read in; False as for `move_job`."""
    if not may_move(ATTEMPT_MOVES, attempt.state, to):
        return False
    changes = {"state": to, _ATTEMPT_TIMES.get(AttemptState(to), "ended_at"): now, **columns}
    written = Attempt.objects.filter(pk=attempt.pk, state=attempt.state).update(
        **changes, updated_at=now, revision=F("revision") + 1
    )
    if written == 1:
        _reflect(attempt, changes, now)
    return written == 1


def _reflect(row: Job | Attempt, changes: dict[str, Any], now: datetime) -> None:
    for name, value in changes.items():
        setattr(row, name, value)
    row.updated_at = now
    row.revision += 1
