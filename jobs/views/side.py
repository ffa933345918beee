"""Right column of the job page."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dcportal.common import reasons
from dcportal.common.clock import utcnow
from dcportal.common.templatetags.dcp import clock_time
from dcportal.inventory.models import Accelerator
from jobs.figures import label_of, plain, rank_of, value_text
from jobs.models import Attempt, Job, JobEvent
from jobs.views.ranks import ranks_of
from jobs.views.saved import artifacts_of, checkpoints_of

MOST_EVENTS = 40
BY_CODE = {
    "job_succeeded": "circle-check",
    "job_failed": "circle-cross",
    "job_cancelled": "ban",
    "job_queued": "clock",
    "job_placed": "rack",
    "job_stopping": "stop",
    "stop_signalled": "stop",
    "process_gone": "check",
    "attempt_submitted": "rocket",
}
ICONS = {
    "checkpoint": "save",
    "error": "alert",
    "state": "play",
    "action": "user",
    "phase": "clock",
}


def side_context(job: Job, attempt: Attempt | None) -> dict[str, Any]:
    """Places, latest figures, events, checkpoints, files, details, attempts."""
    places = places_of(attempt)
    return {
        "places": places,
        "slow_ranks": [rank.number for place in places for rank in place["ranks"] if rank.is_odd],
        "metrics": metrics_of(job),
        "events": [event_line(event) for event in job.events.order_by("-seq")[:MOST_EVENTS]],
        "checkpoints": checkpoints_of(job),
        "artifacts": artifacts_of(job),
        "facts": facts_of(job, attempt),
        "attempts": list(job.attempts.order_by("-number")[:20]),
    }


def places_of(attempt: Attempt | None) -> list[dict[str, Any]]:
    """The node of an attempt with its ranks."""
    if attempt is None or attempt.node is None:
        return []
    gpus = list(Accelerator.objects.filter(uuid__in=attempt.accelerator_uuids).order_by("index"))
    return [
        {
            "name": attempt.node.name,
            "url": reverse("inventory:node-detail", args=[attempt.node.uid]),
            "note": place_note(attempt, gpus),
            "ranks": ranks_of(attempt, gpus, utcnow()),
        }
    ]


def place_note(attempt: Attempt, gpus: list[Accelerator]) -> str:
    """`2 × H100`, or the CPU cores it got."""
    if gpus:
        return f"{len(gpus)} × {gpus[0].model}"
    return (
        ngettext("%(n)d CPU core", "%(n)d CPU cores", attempt.cpus) % {"n": attempt.cpus}
        if attempt.cpus
        else ""
    )


def metrics_of(job: Job) -> list[tuple[str, str]]:
    """The newest value of each curve, in the order of the charts."""
    newest = sorted(job.latest_metrics.items(), key=lambda pair: rank_of(pair[0]))
    return [(label_of(name), value_text(name, plain(value))) for name, value in newest]


def event_line(event: JobEvent) -> dict[str, Any]:
    return {
        "at": event.at,
        "text": reasons.text(event.code, {"attempt": event.attempt, **event.params}),
        "icon": BY_CODE.get(event.code) or ICONS.get(event.kind, "circle"),
    }


def facts_of(job: Job, attempt: Attempt | None) -> list[tuple[str, Any]]:
    """Names and values that people look up when something is odd."""
    facts: list[tuple[str, Any]] = [
        (_("Team"), job.team.name),
        (_("Queue"), job.queue.name),
        (_("Priority"), job.priority),
        (_("Request"), job.request_hash[:12]),
        (_("Retries"), f"{job.retries_used} / {job.max_retries}"),
        *secret_facts(job),
    ]
    if attempt:
        facts += [
            (_("Engine"), attempt.engine),
            (_("Container"), attempt.container or None),
            (_("Exit code"), attempt.exit_code),
            (_("Ended because"), reasons.text_of(attempt.cause) or None),
            (_("Last heartbeat"), clock_time(attempt.heartbeat_at)),
        ]
        facts += code_facts(attempt.code or {})
    return facts


def secret_facts(job: Job) -> list[tuple[str, Any]]:
    """Names of the secrets it gets; a value is never shown."""
    names = (job.request.get("secrets") or {}).get("names") or []
    return [(_("Secrets"), ", ".join(names))] if names else []


def code_facts(code: dict[str, Any]) -> list[tuple[str, Any]]:
    """Commit, whether files differed from it, and the hash of what ran."""
    if not code:
        return []
    words: dict[Any, str] = {True: _("with uncommitted changes"), False: _("clean")}
    dirty = words.get(code.get("is_dirty"))
    commit = code.get("commit")
    return [
        (_("Commit"), f"{commit[:12]} · {dirty}" if commit and dirty else (commit or "")[:12] or None),
        (_("Code hash"), (code.get("sha256") or "")[:12] or None),
    ]
