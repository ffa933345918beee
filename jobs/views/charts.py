"""Charts of the job page, and what they ask for while the job runs."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from dcportal.accounts.identify import actor_of
from dcportal.common.problems import invalid
from jobs.figures import grouped, run_figure
from jobs.models import Attempt, Job
from jobs.queries.curves import curves_of
from jobs.queries.details import visible_job
from jobs.states import JOB_OPEN


@dataclass(frozen=True)
class ChartCard:
    """What `components/_chart.html` needs."""

    id: str
    title: str
    figure: dict[str, Any]
    figure_url: str = ""


def charts_of(job: Job, attempt: Attempt | None) -> list[ChartCard]:
    """One card per kind of curve that the attempt has reported."""
    if attempt is None:
        return []
    checkpoints = list(attempt.checkpoints.all()[:50])
    is_open = job.state in JOB_OPEN
    return [
        ChartCard(f"curve-{kind.id}", kind.title, run_figure(kind, members, checkpoints, is_open=is_open))
        for kind, members in grouped(curves_of(job, attempt=attempt.number))
    ]


@require_GET
def job_curves(request: HttpRequest, uid: str) -> JsonResponse:
    """Points beyond `?after_step=` of the newest attempt: chart id -> metric -> times, values, last step."""
    job = visible_job(actor_of(request), uid)
    attempt = job.attempts.order_by("-number").first()
    after = step_number(request.GET.get("after_step", "-1"))
    found = curves_of(job, attempt=attempt.number, after_step=after) if attempt else []
    charts = {
        f"curve-{kind.id}": {
            curve.metric: {"x": curve.times, "y": curve.values, "step": curve.steps[-1]}
            for curve in members
            if curve.steps
        }
        for kind, members in grouped(found)
    }
    return JsonResponse({"charts": charts, "is_open": job.state in JOB_OPEN})


def step_number(text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise invalid("/after_step", "bad_parameter", name="after_step", value=text[:40])
    return int(text)
