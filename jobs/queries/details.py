"""One job with all that its page shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from dcportal.common.actors import Actor
from dcportal.common.visibility import may_change
from dcportal.inventory.models import Accelerator
from jobs import access, ports
from jobs.models import Artifact, Attempt, Checkpoint, Job, JobEvent
from jobs.states import JOB_OPEN, JOB_WAITING, Desired, JobState

EVENTS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Step:
    """One station of the stepper. `at` None: not reached (or passed by)."""

    state: str
    at: datetime | None
    is_current: bool


@dataclass(frozen=True, slots=True)
class JobBundle:
    """All of one job. `attempt` is the newest; `gpus` are its accelerators in index order."""

    job: Job
    attempts: list[Attempt]
    steps: list[Step]
    events: list[JobEvent]
    checkpoints: list[Checkpoint]
    artifacts: list[Artifact]
    gpus: list[Accelerator]
    dependencies: list[dict[str, Any]]
    allowed: dict[str, bool]
    cost: dict[str, Any] | None

    @property
    def attempt(self) -> Attempt | None:
        return self.attempts[-1] if self.attempts else None


def visible_job(actor: Actor, uid: str) -> Job:
    """The job with this uid; raises NotFound when missing or foreign, alike."""
    rows = access.jobs_visible_to(actor).select_related(
        "team", "owner", "queue", "template", "environment", "dataset", "cloned_from"
    )
    return access.one(rows, uid)


def job_bundle(actor: Actor, uid: str, now: datetime) -> JobBundle:
    """Everything the job page shows; raises NotFound."""
    job = visible_job(actor, uid)
    attempts = list(job.attempts.select_related("node", "resumed_from").order_by("number"))
    newest = attempts[-1] if attempts else None
    return JobBundle(
        job=job,
        attempts=attempts,
        steps=steps_of(job),
        events=list(job.events.order_by("-seq")[:EVENTS_SHOWN])[::-1],
        checkpoints=list(job.checkpoints.select_related("attempt")[:200]),
        artifacts=list(job.artifacts.select_related("attempt")[:500]),
        gpus=list(accelerators_of(newest)) if newest else [],
        dependencies=dependencies_state(job),
        allowed=allowed_actions(job, actor),
        cost=ports.cost(job, now),
    )


def accelerators_of(attempt: Attempt) -> QuerySet[Accelerator]:
    """The accelerators that this attempt has or had."""
    return Accelerator.objects.filter(uuid__in=attempt.accelerator_uuids).order_by("index")


def steps_of(job: Job) -> list[Step]:
    """Queued, starting, running, (stopping,) and the end, with the times reached in the newest attempt."""
    times = {
        JobState.QUEUED: job.queued_at,
        JobState.STARTING: job.starting_at,
        JobState.RUNNING: job.running_at,
    }
    if job.state == JobState.STOPPING or job.stopping_at:
        times[JobState.STOPPING] = job.stopping_at
    end = job.state if job.ended_at else JobState.SUCCEEDED
    times[JobState(end)] = job.ended_at
    current = JobState.QUEUED if job.state in JOB_WAITING else job.state
    return [Step(str(state), at, state == current) for state, at in times.items()]


def allowed_actions(job: Job, actor: Actor) -> dict[str, bool]:
    """Which buttons work now for this actor."""
    may = actor.may(access.SCOPE) and may_change(job, actor)
    waits = job.state in JOB_WAITING and job.desired != Desired.STOP
    return {
        "cancel": may and job.state in JOB_OPEN and job.desired != Desired.STOP,
        "hold": may and waits and job.desired == Desired.RUN,
        "release": may and waits and job.desired == Desired.HOLD,
        "priority": may and waits,
        "clone": actor.may(access.SCOPE) and actor.has_role("user"),
    }


def dependencies_state(job: Job) -> list[dict[str, Any]]:
    """Each job this one waits for: uid, name, state, condition, and whether it is satisfied or failed."""
    rows = job.waits_for.select_related("on").only("condition", "on__uid", "on__name", "on__state")
    return [
        {
            "uid": row.on.uid,
            "name": row.on.name,
            "state": row.on.state,
            "condition": row.condition,
            "verdict": dependency_verdict(row.condition, row.on.state),
        }
        for row in rows
    ]


def dependency_verdict(condition: str, state: str) -> str:
    """`waiting`, `satisfied` or `failed` (can never be satisfied)."""
    if state in JOB_OPEN or state == JobState.DRAFT:
        return "waiting"
    return "satisfied" if condition == "end" or state == JobState.SUCCEEDED else "failed"


def events_after(job: Job, seq: int, limit: int = 500) -> list[JobEvent]:
    """Events with a higher seq, in order."""
    return list(job.events.filter(seq__gt=seq).order_by("seq")[:limit])
