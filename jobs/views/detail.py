"""The job page: stages, progress, curves, log, events, where it runs, and the request as text."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dcportal.accounts.identify import actor_of
from dcportal.common import reasons, units
from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from dcportal.common.problems import invalid
from dcportal.common.visibility import may_change
from jobs import access
from jobs.figures import label_of, plain, value_text
from jobs.models import Attempt, Checkpoint, Job
from jobs.notation import to_cli, to_curl, to_toml
from jobs.states import JOB_OPEN, JobState
from jobs.views.charts import charts_of
from jobs.views.failure import failure_of
from jobs.views.notices import notices_context
from jobs.views.processes import stop_of
from jobs.views.rows import PLAIN_PHASES, asked_for
from jobs.views.side import side_context
from jobs.views.steps import phase_words, steps_of


@require_GET
def job_detail(request: HttpRequest, uid: str) -> HttpResponse:
    """The whole page; `?attempt=` shows an earlier attempt."""
    actor, now = actor_of(request), utcnow()
    job, attempt = chosen(actor, uid, request.GET.get("attempt"))
    context = {
        **live_context(job, attempt, now),
        **side_context(job, attempt),
        **allowed(job, actor),
        "is_past_attempt": "attempt" in request.GET,
        "crumbs": crumbs(job),
        "fact_line": fact_line(job),
        "charts": charts_of(job, attempt),
        "last_step": -1 if job.progress_step is None else job.progress_step,
        "log": log_of(job, attempt),
        **notices_context(job, actor),
        "texts": texts(job, request),
        "run_script_url": run_script_url(job, attempt),
    }
    return render(request, "jobs/detail.html", context)


@require_GET
def job_live(request: HttpRequest, uid: str) -> HttpResponse:
    """The part that changes each second."""
    job, attempt = chosen(actor_of(request), uid, None)
    context = {**live_context(job, attempt, utcnow()), "is_update": True}
    return render(request, "jobs/_live.html", context)


@require_GET
def job_side(request: HttpRequest, uid: str) -> HttpResponse:
    """The right column."""
    job, attempt = chosen(actor_of(request), uid, None)
    return render(request, "jobs/_side.html", {"job": job, **side_context(job, attempt)})


def chosen(actor: Actor, uid: str, number: str | None) -> tuple[Job, Attempt | None]:
    """The job and the attempt asked for, the newest by default."""
    related = ("team", "owner", "queue", "environment", "dataset", "template")
    job = access.one(access.jobs_visible_to(actor).select_related(*related), uid)
    attempts = job.attempts.select_related("node").order_by("-number")
    if number is None:
        return job, attempts.first()
    if not (number.isascii() and number.isdigit() and len(number) < 7):
        raise invalid("/attempt", "bad_parameter", name="attempt", value=number[:40])
    return job, attempts.filter(number=int(number)).first()


def live_context(job: Job, attempt: Attempt | None, now: datetime) -> dict[str, Any]:
    """State, stages, progress and stop."""
    reason = reasons.text_of(job.reason)
    return {
        "job": job,
        "attempt": attempt,
        "steps": steps_of(job, attempt, now),
        "progress": progress_of(job, now),
        "stop": stop_of(job, attempt),
        "failure": failure_of(job, attempt),
        "reason": reason,
        "state_sentence": f"{JobState(job.state).label}. {reason}".strip(),
        "unreachable_since": job.engine_unreachable_since,
        "is_open": job.state in JOB_OPEN,
    }


def progress_of(job: Job, now: datetime) -> dict[str, Any] | None:
    """Share done, steps, time left; None while the job reports no steps."""
    if job.progress_step is None:
        return None
    ratio = min(job.progress_step / job.progress_total, 1) if job.progress_total else None
    return {
        "ratio": ratio,
        "percent": units.percent(ratio, 1),
        "step_text": step_text(job),
        "left": left_text(job, now),
        "tone": {"succeeded": "ok", "failed": "critical", "cancelled": "neutral"}.get(job.state),
        "facts": progress_facts(job, now),
    }


def step_text(job: Job) -> str:
    if job.progress_total:
        return _("step {step} of {total}").format(step=job.progress_step, total=job.progress_total)
    return _("step {step}").format(step=job.progress_step)


def left_text(job: Job, now: datetime) -> str:
    if job.state != JobState.RUNNING or job.eta_at is None:
        return ""
    left = units.duration(max((job.eta_at - now).total_seconds(), 0))
    return _("about {left} left").format(left=left)


def progress_facts(job: Job, now: datetime) -> list[str]:
    """Phase, pace, and the checkpoint that a stop would go back to."""
    facts = []
    if job.state == JobState.RUNNING and job.phase not in PLAIN_PHASES:
        facts.append(phase_words(job.phase))
    facts += [
        f"{label_of(name)}: {value_text(name, plain(value))}"
        for name, value in job.latest_metrics.items()
        if name.endswith("_per_second")
    ]
    saved = job.checkpoints.filter(missing_since=None).first()
    if saved:
        facts.append(checkpoint_text(saved, job, now))
    return facts


def checkpoint_text(saved: Checkpoint, job: Job, now: datetime) -> str:
    if job.state not in JOB_OPEN:
        return _("last checkpoint at step {step}").format(step=saved.step)
    age = units.duration(max((now - saved.saved_at).total_seconds(), 0))
    return _("last safe checkpoint at step {step}, {age} ago").format(step=saved.step, age=age)


def allowed(job: Job, actor: Actor) -> dict[str, bool]:
    """Which buttons the page shows."""
    return {
        "can_change": may_change(job, actor),
        "can_launch": actor.has_role("user"),
        "can_cancel": job.state in JOB_OPEN and job.desired != "stop",
        "can_hold": job.state == JobState.QUEUED and job.desired == "run",
        "can_release": job.desired == "hold" and job.state in {JobState.QUEUED, JobState.HELD},
    }


def crumbs(job: Job) -> list[tuple[str, str]]:
    return [(_("Jobs"), reverse("jobs:job-list")), (job.team.name, "")]


def fact_line(job: Job) -> list[dict[str, str]]:
    """What it is, under the title: owner, size, code, environment, limit."""
    facts = [("user", job.owner.username), ("gpu", asked_for(job))]
    code = job.request.get("code") or {}
    where = code.get("git") or code.get("path") or code.get("upload")
    if where:
        facts.append(("code", f"{where}{'@' + code['commit'][:8] if code.get('commit') else ''}"))
    number = job.attempts.count()
    if number > 1:
        facts.append(("requeue", _("attempt {n}").format(n=number)))
    facts.append(("package", job.environment.name if job.environment else interpreter_of(job)))
    if job.dataset:
        facts.append(("database", job.dataset.name))
    if job.time_limit_seconds:
        facts.append(("clock", _("limit {time}").format(time=units.duration(job.time_limit_seconds))))
    return [{"icon": icon, "text": text} for icon, text in facts]


def interpreter_of(job: Job) -> str:
    return str((job.request.get("environment") or {}).get("interpreter") or "–")


def log_of(job: Job, attempt: Attempt | None) -> dict[str, Any]:
    """What the log viewer needs."""
    query = f"?attempt={attempt.number}" if attempt else ""
    base = f"/api/v1/jobs/{job.uid}/logs/"
    return {
        "title": _("Log"),
        "url": base + query,
        "socket_url": f"/ws/jobs/{job.uid}/logs/" if job.state in JOB_OPEN else "",
        "download_url": base + (query + "&" if query else "?") + "download=1",
        "ranks": list(range(job.ranks)) if job.ranks > 1 else [],
    }


def texts(job: Job, request: HttpRequest) -> list[dict[str, str]]:
    """The request as the other notations."""
    base_url = request.build_absolute_uri("/").rstrip("/")
    return [
        {"id": "cli", "title": "dcp", "text": to_cli(job.request)},
        {"id": "curl", "title": "curl", "text": to_curl(job.request, base_url)},
        {"id": "toml", "title": "TOML", "text": to_toml(job.request)},
    ]


def run_script_url(job: Job, attempt: Attempt | None) -> str:
    """Where `run.sh` of this attempt is; empty before it was prepared."""
    if attempt is None or attempt.starting_at is None:
        return ""
    return reverse("jobs:job-run-script", args=[job.uid, attempt.number])
