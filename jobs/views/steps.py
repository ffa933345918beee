"""The stepper of a job: where it is, since when, and how long each stage took."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from dcportal.common import reasons, units
from dcportal.common.templatetags.dcp import clock_time
from jobs.models import Attempt, Job
from jobs.reasons import PHASES
from jobs.states import JOB_TERMINAL, JobState


@dataclass(frozen=True, slots=True)
class Step:
    """One station; `status` is done, now, waiting, failed or todo, as `components/_steps.html` takes it."""

    title: str
    status: str
    icon: str
    time: str = ""
    note: str = ""


ORDER = [JobState.QUEUED, JobState.STARTING, JobState.RUNNING]


def steps_of(job: Job, attempt: Attempt | None, now: datetime) -> list[Step]:
    """Requested, queued, starting, running, ended; an ended job shows only the stations it came through."""
    steps = [
        Step(
            _("Requested"),
            "done",
            "user",
            clock_time(job.created_at),
            _("by {name}").format(name=job.owner.username),
        ),
        queued_step(job, now),
        starting_step(job, attempt, now),
        running_step(job, now),
        end_step(job),
    ]
    return [step for step in steps if step.status != "todo" or job.state not in JOB_TERMINAL]


def queued_step(job: Job, now: datetime) -> Step:
    if job.state in {JobState.QUEUED, JobState.HELD}:
        title = _("Held") if job.state == JobState.HELD else _("Queued")
        icon = "pause" if job.state == JobState.HELD else "clock"
        return Step(title, "now", icon, since(job.queued_at, now), reasons.text_of(job.reason))
    return Step(_("Queued"), "done", "clock", since(job.queued_at, job.starting_at or job.ended_at))


def starting_step(job: Job, attempt: Attempt | None, now: datetime) -> Step:
    where = attempt.node.name if attempt and attempt.node else ""
    if job.state == JobState.STARTING:
        note = " · ".join(part for part in (where, phase_words(attempt.phase if attempt else "")) if part)
        return Step(_("Starting"), "waiting", "loader", since(job.starting_at, now), note)
    if job.starting_at is None:
        return Step(_("Starting"), "todo", "loader")
    return Step(
        _("Starting"), "done", "loader", since(job.starting_at, job.running_at or job.ended_at), where
    )


def running_step(job: Job, now: datetime) -> Step:
    if job.state == JobState.RUNNING:
        note = _("since {time}").format(time=clock_time(job.running_at))
        return Step(_("Running"), "now", "play", since(job.running_at, now), note)
    if job.state == JobState.STOPPING:
        return Step(
            _("Stopping"), "waiting", "stop", since(job.stopping_at, now), reasons.text_of(job.reason)
        )
    if job.running_at is None:
        return Step(_("Running"), "todo", "play")
    return Step(_("Running"), "done", "play", since(job.running_at, job.ended_at))


def end_step(job: Job) -> Step:
    if job.state not in JOB_TERMINAL:
        eta = _("about {time}").format(time=clock_time(job.eta_at)) if job.eta_at else ""
        return Step(_("Done"), "todo", "flag", eta, _("if the pace holds") if eta else "")
    status = "failed" if job.state == JobState.FAILED else "done"
    note = reasons.text_of(job.reason) if job.state != JobState.SUCCEEDED else ""
    return Step(str(JobState(job.state).label), status, "flag", clock_time(job.ended_at), note)


def since(start: datetime | None, end: datetime | None) -> str:
    """How long from `start` to `end`, empty while either is unknown."""
    if start is None or end is None:
        return ""
    return units.duration(max((end - start).total_seconds(), 0))


def phase_words(phase: str) -> str:
    """What a run says it is doing before its first step, in words."""
    return str(PHASES.get(phase, phase))
