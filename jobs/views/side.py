"""Right column of the job page."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from dcportal.common import reasons, units
from dcportal.common.templatetags.dcp import clock_time
from dcportal.inventory.models import Accelerator
from jobs.figures import EVALUATION, label_of
from jobs.models import Attempt, Job, JobEvent

MOST_EVENTS = 40
ICONS = {
    "checkpoint": "save",
    "error": "alert",
    "state": "play",
    "action": "user",
    "phase": "clock",
}


def side_context(job: Job, attempt: Attempt | None) -> dict[str, Any]:
    """Places, latest figures, events, checkpoints, files, details, attempts."""
    return {
        "places": places_of(attempt),
        "metrics": metrics_of(job),
        "events": [event_line(event) for event in job.events.order_by("-seq")[:MOST_EVENTS]],
        "checkpoints": list(job.checkpoints.all()[:10]),
        "artifacts": artifacts_of(job),
        "facts": facts_of(job, attempt),
        "attempts": list(job.attempts.order_by("-number")[:20]),
    }


def places_of(attempt: Attempt | None) -> list[dict[str, Any]]:
    """The node and GPUs of an attempt."""
    if attempt is None or attempt.node is None:
        return []
    gpus = Accelerator.objects.filter(uuid__in=attempt.accelerator_uuids).order_by("index")
    return [
        {
            "name": attempt.node.name,
            "url": reverse("inventory:node-detail", args=[attempt.node.uid]),
            "note": _("{n} CPU cores").format(n=attempt.cpus) if attempt.cpus else "",
            "gpus": [f"GPU {gpu.index} · {gpu.model}" for gpu in gpus],
        }
    ]


def metrics_of(job: Job) -> list[tuple[str, str]]:
    """The newest value of each curve."""
    newest = sorted(job.latest_metrics.items(), key=lambda pair: (pair[0].startswith(EVALUATION), pair[0]))
    return [(label_of(name), _number(value)) for name, value in newest]


def _number(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("value")
    return f"{value:.5g}" if isinstance(value, int | float) else units.MISSING


def event_line(event: JobEvent) -> dict[str, Any]:
    return {
        "at": event.at,
        "text": reasons.text(event.code, {"attempt": event.attempt, **event.params}),
        "icon": ICONS.get(event.kind, "circle"),
    }


def artifacts_of(job: Job) -> list[dict[str, str]]:
    return [
        {
            "name": artifact.path,
            "size": units.bytes_human(artifact.size_bytes),
            "url": f"/api/v1/jobs/{job.uid}/artifacts/{artifact.uid}/",
        }
        for artifact in job.artifacts.all()[:50]
    ]


def facts_of(job: Job, attempt: Attempt | None) -> list[tuple[str, Any]]:
    """Names and values that people look up when something is odd."""
    facts: list[tuple[str, Any]] = [
        (_("Team"), job.team.name),
        (_("Queue"), job.queue.name),
        (_("Priority"), job.priority),
        (_("Request"), job.request_hash[:12]),
        (_("Retries"), f"{job.retries_used} / {job.max_retries}"),
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
