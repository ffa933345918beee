"""Charts of the job page, and what they ask for while the job runs."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dcportal.accounts.identify import actor_of
from dcportal.common.clock import utcnow
from dcportal.common.problems import invalid
from dcportal.inventory.models import Accelerator
from jobs.figures import Span, grouped, marks_of, run_figure, span_meta
from jobs.models import Attempt, Job
from jobs.queries.curves import curves_of
from jobs.queries.details import visible_job
from jobs.states import JOB_OPEN
from monitoring.figures import lines
from monitoring.queries import job_series

MOST_POINTS = 600
FIRST = ("loss", "accuracy")  # then what the hardware did meanwhile, then the rest


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
    span = run_span(job, attempt)
    curves = {
        kind.id: ChartCard(f"curve-{kind.id}", kind.title, run_figure(kind, members, checkpoints, span))
        for kind, members in grouped(curves_of(job, attempt=attempt.number, max_points=MOST_POINTS))
    }
    first = [curves.pop(key) for key in FIRST if key in curves]
    return [*first, *hardware_cards(job, attempt), *curves.values()]


def run_span(job: Job, attempt: Attempt) -> Span:
    """The time axis that all charts of the page share: from the start of the attempt to its end."""
    start = attempt.running_at or attempt.starting_at or attempt.created_at
    return Span(start, attempt.ended_at if job.state not in JOB_OPEN else None)


def hardware_cards(job: Job, attempt: Attempt) -> list[ChartCard]:
    """Utilisation and power of what the attempt holds: its GPUs, or its node's CPU (power where measured)."""
    if attempt.accelerator_uuids:
        panels = [("gpu_utilisation_ratio", _("GPU utilisation")), ("gpu_power_draw_watts", _("GPU power"))]
        return [hardware_card(job, attempt, metric, title) for metric, title in panels]
    power = hardware_card(job, attempt, "node_power_watts", _("Power of its node"))
    cpu = hardware_card(job, attempt, "cpu_utilisation_ratio", _("CPU utilisation of its node"))
    return [cpu, power] if has_values(power) else [cpu]


def has_values(card: ChartCard) -> bool:
    return any(value is not None for trace in card.figure["data"] for value in trace["y"])


def hardware_card(job: Job, attempt: Attempt, metric: str, title: str) -> ChartCard:
    now = utcnow()
    span = run_span(job, attempt)
    answer = job_series(job.uid, metric, span.start, span.end or now, MOST_POINTS, now, attempt.number)
    figure = lines({metric: answer}, names_of(attempt))
    marks = marks_of(attempt.checkpoints.all()[:50])
    meta = {**figure["layout"]["meta"], **span_meta(span), "marks": marks}
    return ChartCard(f"hardware-{metric}", title, {**figure, "layout": {**figure["layout"], "meta": meta}})


def names_of(attempt: Attempt) -> dict[str, str]:
    names = {attempt.node.uid: attempt.node.name} if attempt.node else {}
    gpus = Accelerator.objects.filter(uuid__in=attempt.accelerator_uuids)
    return names | {gpu.uuid: f"GPU {gpu.index}" for gpu in gpus}


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
    if attempt and "hardware_after" in request.GET:
        charts |= newer_hardware(job, attempt, step_number(request.GET["hardware_after"]))
    return JsonResponse({"charts": charts, "is_open": job.state in JOB_OPEN})


def newer_hardware(job: Job, attempt: Attempt, after: int) -> dict[str, Any]:
    """Readings of its GPUs or CPU that are younger than `after` (unix seconds)."""
    found = {}
    for each in hardware_cards(job, attempt):
        traces = {trace["meta"]["series"]: trace for trace in each.figure["data"]}
        found[each.id] = {name: younger(trace, after) for name, trace in traces.items()}
    return found


def younger(trace: dict[str, Any], after: int) -> dict[str, Any]:
    points = [(x, y) for x, y in zip(trace["x"], trace["y"], strict=True) if x > after and y is not None]
    return {"x": [x for x, _y in points], "y": [y for _x, y in points], "step": -1}


def step_number(text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise invalid("/after_step", "bad_parameter", name="after_step", value=text[:40])
    return int(text)
