"""One job as a line of a list: everything formatted, so that the template only prints."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dcportal.common import reasons, units
from dcportal.common.actors import Actor
from dcportal.common.templatetags.ui import state_badge
from dcportal.common.visibility import may_change
from jobs.figures import kind_of, label_of, plain, value_text
from jobs.models import Job
from jobs.states import JOB_OPEN, JobState
from jobs.views.steps import phase_words

WORTH = ["accuracy", "loss"]
PLAIN_PHASES = {"", "running", "train"}  # say no more than the state does
TONES = {
    JobState.SUCCEEDED: " progress-ok",
    JobState.FAILED: " progress-critical",
    JobState.CANCELLED: " progress-neutral",
}


@dataclass(frozen=True, slots=True)
class JobRow:
    """What `jobs/_row.html` prints."""

    uid: str
    url: str
    badge: SafeString
    name: str
    owner: str
    asked: str
    ratio: float | None
    percent: str
    tone: str
    time: str
    now: str
    created: str
    bulk_actions: str
    weights: str


def row_of(job: Job, now: datetime, actor: Actor | None = None) -> JobRow:
    """The row of a job loaded with owner and team; for an `actor`, with what that one may do to it."""
    ratio = progress_ratio(job)
    return JobRow(
        uid=job.uid,
        url=reverse("jobs:job-detail", args=[job.uid]),
        badge=state_badge(job.state),
        name=job.name,
        owner=job.owner.username,
        asked=asked_for(job),
        ratio=ratio,
        percent=units.percent(ratio),
        tone=TONES.get(JobState(job.state), ""),
        time=time_in_state(job, now),
        now=one_useful_thing(job, now),
        created=date_format(timezone.localtime(job.created_at), "SHORT_DATETIME_FORMAT"),
        bulk_actions=" ".join(bulk_actions(job)) if actor is not None and may_change(job, actor) else "",
        weights=f'{{"gpus": {job.gpus}}}',
    )


def progress_ratio(job: Job) -> float | None:
    """Steps done of all steps, None while the job has not said."""
    if not job.progress_total or job.progress_step is None:
        return None
    return min(job.progress_step / job.progress_total, 1.0)


def asked_for(job: Job) -> str:
    """`4 × H100`, or the ranks on CPU."""
    if job.gpus:
        return f"{job.gpus} × {job.gpu_type or _('GPU')}"
    return ngettext("%(n)d rank on CPU", "%(n)d ranks on CPU", job.ranks) % {"n": job.ranks}


def time_in_state(job: Job, now: datetime) -> str:
    """How long it has waited, run, or ran."""
    since = job.running_at or job.starting_at or job.queued_at or job.created_at
    return units.duration(((job.ended_at or now) - since).total_seconds())


def one_useful_thing(job: Job, now: datetime) -> str:
    """What a reader wants to know, by state: why it waits, when it ends, how good it is, why it failed."""
    if job.state == JobState.RUNNING and job.eta_at:
        left = max((job.eta_at - now).total_seconds(), 0)
        return _("ends in about {left}").format(left=units.duration(left))
    if job.state in {JobState.RUNNING, JobState.STARTING} and job.phase not in PLAIN_PHASES:
        return phase_words(job.phase)
    if job.state == JobState.SUCCEEDED:
        return best_figure(job)
    if job.state == JobState.FAILED:
        return failure_line(job)
    return reasons.text_of(job.reason)


def best_figure(job: Job) -> str:
    """`Accuracy, evaluation 93.0 %`: accuracy before loss, evaluation before training."""
    names = [name for name in job.latest_metrics if kind_id(name) in WORTH]
    if not names:
        return ""
    name = min(names, key=lambda each: (WORTH.index(kind_id(each)), "/" not in each, each))
    return f"{label_of(name)} {value_text(name, plain(job.latest_metrics[name]))}"


def kind_id(metric: str) -> str:
    kind = kind_of(metric)
    return kind.id if kind else ""


def failure_line(job: Job) -> str:
    """The cause, and the last line of what the program said."""
    said = str((job.reason or {}).get("params", {}).get("message") or "").strip().splitlines()
    return " ".join(part for part in (reasons.text_of(job.reason), said[-1][:120] if said else "") if part)


def bulk_actions(job: Job) -> list[str]:
    """The names of the bulk actions that would touch this job."""
    allowed = ["cancel"] if job.state in JOB_OPEN and job.state != JobState.STOPPING else []
    if job.state == JobState.QUEUED:
        allowed.append("hold")
    if job.state == JobState.HELD:
        allowed.append("release")
    return allowed
