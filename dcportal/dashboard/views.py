"""First page, search, and the demo hall's buttons."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from dcportal.accounts.identify import actor_of
from dcportal.common import reasons, units
from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from dcportal.common.problems import invalid
from dcportal.common.text import unstorable
from dcportal.dashboard import demo_hall, set_up
from dcportal.dashboard.figures_now import FleetNow, fleet_now
from dcportal.dashboard.fleet import fleet_map
from dcportal.dashboard.power import power_card
from dcportal.inventory.models import Node
from jobs.access import jobs_visible_to
from jobs.board import free_board
from jobs.models import Job, JobEvent, JobTemplate
from jobs.queries.lists import waiting_jobs
from jobs.states import JOB_LIVE, JOB_WAITING
from jobs.views.rows import JobRow, row_of

QUEUE_SHOWN = 6
EVENT_ICONS = {
    "job_succeeded": "circle-check",
    "job_failed": "circle-cross",
    "job_cancelled": "ban",
    "job_running": "play",
    "job_placed": "rack",
    "job_queued": "clock",
    "cancel_requested": "stop",
}
EVENTS_SHOWN = 8


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """The control room; before the first job, three steps that lead to it."""
    actor = actor_of(request)
    if not Job.objects.exists() and "overview" not in request.GET:
        return render(request, "dashboard/first_run.html", first_run_context(actor))
    return render(request, "dashboard/overview.html", overview_context(actor))


def first_run_context(actor: Actor) -> dict[str, Any]:
    node = own_node()
    lines = set_up.items(node)
    return {
        "node": node,
        "node_topic": f"node:{node.uid}" if node else "",
        "node_note": node_note(node) if node else "",
        "sparks": sparks(node) if node else [],
        "template": JobTemplate.objects.filter(builtin="digits-cnn", superseded_at=None).first(),
        "set_up": lines,
        "is_moving": set_up.is_moving(lines),
        "can_launch": actor.has_role("user"),
        "can_operate": actor.has_role("operator"),
        "has_demo": demo_hall.is_shown(),
    }


@require_GET
def set_up_card(request: HttpRequest) -> HttpResponse:
    """The card "Setting up", asked for again while something is under way; nothing once all is done."""
    lines = set_up.items(own_node())
    only_open = "only_open" in request.GET
    shown = set_up.open_ones(lines) if only_open else lines
    context = {"set_up": shown, "only_open": only_open, "is_moving": set_up.is_moving(lines)}
    return render(request, "dashboard/_set_up.html", context) if shown else HttpResponse()


@require_GET
def power(request: HttpRequest) -> HttpResponse:
    """The chart of the last 24 hours; empty where nothing measures power."""
    return render(request, "dashboard/_power.html", {"power": power_card(utcnow())})


def own_node() -> Node | None:
    """The machine that the portal runs on."""
    return Node.objects.filter(launch_engine="local", is_simulated=False).first()


def node_note(node: Node) -> str:
    """`16 threads, 64 GB, RTX A4000`."""
    gpus = list(node.accelerators.filter(missing_since=None).values_list("model", flat=True))
    parts = [_("{n} CPU threads").format(n=node.cpu_count or "–"), units.bytes_human(node.memory_bytes)]
    if gpus:
        parts.append(f"{len(gpus)} × {gpus[0]}")
    return ", ".join(parts)


def sparks(node: Node) -> list[dict[str, Any]]:
    """Four small live lines of this machine; a GPU where there is one."""
    gpu = node.accelerators.filter(missing_since=None).order_by("index").first()
    wanted = [
        ("cpu", _("CPU"), f"{node.uid}/cpu_utilisation_ratio", "ratio", 1),
        ("memory", _("Memory"), f"{node.uid}/memory_used_ratio", "ratio", 2),
    ]
    if gpu:
        wanted.append(("gpu", f"GPU {gpu.index}", f"{gpu.uuid}/gpu_utilisation_ratio", "ratio", 4))
        wanted.append(("power", _("GPU power"), f"{gpu.uuid}/gpu_power_draw_watts", "watts", 2))
    else:
        wanted.append(("load", _("Load"), f"{node.uid}/load_average_1m", "", 5))
    return [spark(*each) for each in wanted]


def spark(key: str, title: str, series: str, unit: str, hue: int) -> dict[str, Any]:
    layout: dict[str, Any] = {"meta": {"unit": unit, "window_seconds": 120, "mode": "live"}}
    if unit == "ratio":
        layout["yaxis"] = {"range": [0, 1]}
    data = [{"name": title, "x": [], "y": [], "meta": {"series": series, "hue": hue}}]
    return {"id": f"spark-{key}", "title": title, "figure": {"data": data, "layout": layout}}


def overview_context(actor: Actor) -> dict[str, Any]:
    now = utcnow()
    board, fleet = free_board(), fleet_now(now)
    lines = set_up.items(own_node())
    counts = open_counts(actor, now)
    waiting = waiting_jobs(actor, QUEUE_SHOWN)
    running = jobs_visible_to(actor).filter(state__in=JOB_LIVE)
    return {
        "tiles": tiles(board, fleet, counts),
        "fleet": fleet_map(),
        "fleet_note": fleet_note(board, fleet),
        "board": board,
        "queue": [row_of(job, now) for job in waiting],
        "running": newest_rows(running),
        "counts": counts,
        "events": last_events(actor),
        "set_up": set_up.open_ones(lines),
        "is_moving": set_up.is_moving(lines),
        "can_launch": actor.has_role("user"),
        "can_operate": actor.has_role("operator"),
        "has_demo": demo_hall.is_shown(),
        "subtitle": subtitle(fleet),
    }


def open_counts(actor: Actor, now: datetime) -> dict[str, int]:
    """Live and waiting jobs, and those that ended within a day, from indexed columns."""
    rows = jobs_visible_to(actor)
    ended = rows.filter(ended_at__gte=now - timedelta(days=1)).count()
    states = rows.filter(state__in=JOB_LIVE | JOB_WAITING).aggregate(
        live=Count("pk", filter=Q(state__in=JOB_LIVE)), waiting=Count("pk", filter=Q(state__in=JOB_WAITING))
    )
    return {**states, "ended": ended}


def newest_rows(jobs: QuerySet[Job], most: int = QUEUE_SHOWN) -> list[JobRow]:
    """The newest of these jobs as lines of a list."""
    now = utcnow()
    return [row_of(job, now) for job in jobs.select_related("owner").order_by("-id")[:most]]


def subtitle(fleet: FleetNow) -> str:
    moment = date_format(timezone.localtime(), "DATETIME_FORMAT")
    return _("{live} of {nodes} nodes reporting · {time}").format(
        live=fleet.num_live, nodes=fleet.num_nodes, time=moment
    )


def fleet_note(board: Any, fleet: FleetNow) -> str:
    if board.total:
        return _("{n} launchable GPUs").format(n=board.total)
    return ngettext("%(n)d node", "%(n)d nodes", fleet.num_nodes) % {"n": fleet.num_nodes}


def tiles(board: Any, fleet: FleetNow, counts: dict[str, int]) -> list[dict[str, Any]]:
    """Six figures, each with its limit or worst case below."""
    jobs_url = reverse("jobs:job-list")
    gpu_note = _("{free} free, {foreign} used by others").format(free=board.free, foreign=board.foreign)
    power_note = _("measured on {n} of {all} nodes").format(n=fleet.num_measured, all=fleet.num_nodes)
    return [
        {"label": _("GPUs busy"), "value": board.busy if board.total else None,
         "unit": f"/ {board.total}" if board.total else "",
         "note": gpu_note if board.total else _("no GPU here")},
        {"label": _("Jobs running"), "value": counts.get("live", 0),
         "unit": _("· {n} queued").format(n=counts.get("waiting", 0)), "url": jobs_url + "?state=live",
         "note": _("{n} ended in the last 24 h").format(n=counts["ended"])},
        {"label": _("IT power"), "value": units.watts_human(fleet.power_watts), "note": power_note},
        {"label": _("Mean GPU utilisation") if fleet.is_gpu else _("Mean CPU utilisation"),
         "value": units.percent(fleet.utilisation_ratio), "note": _("newest reading of each node")},
        {"label": _("Nodes reporting"), "value": fleet.num_live, "unit": f"/ {fleet.num_nodes}",
         "tone": "warning" if fleet.num_live < fleet.num_nodes else "",
         "note": _("all fresh") if fleet.num_live == fleet.num_nodes else _("some are silent")},
        {"label": _("Largest free block"), "value": board.largest_block if board.total else board.cpu_count,
         "unit": _("GPUs") if board.total else _("CPU threads"), "note": _("one job could get now")},
    ]  # fmt: skip


def last_events(actor: Actor) -> list[dict[str, Any]]:
    """What happened to jobs the reader may see, newest first."""
    seen = jobs_visible_to(actor).filter(pk=OuterRef("job_id"))  # asked row by row: 8 rows end the search
    rows = JobEvent.objects.filter(Exists(seen), kind__in=("state", "action"))
    return [
        {
            "icon": EVENT_ICONS.get(event.code, "circle"),
            "text": reasons.text(event.code, {"attempt": event.attempt, **event.params}),
            "job": event.job.name,
            "url": reverse("jobs:job-detail", args=[event.job.uid]),
            "at": event.at,
        }
        for event in rows.select_related("job").order_by("-id")[:EVENTS_SHOWN]
    ]


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Nodes and jobs by part of a name or by uid, as far as the reader may see them."""
    wanted = request.GET.get("q", "").strip()
    if len(wanted) > 200 or unstorable(wanted):
        raise invalid("/q", "bad_parameter", name="q", value="…")
    context: dict[str, Any] = {"q": wanted, "nodes": [], "jobs": []}
    if wanted:
        context["nodes"] = list(Node.objects.filter(name__icontains=wanted)[:20])
        found = jobs_visible_to(actor_of(request)).filter(Q(name__icontains=wanted) | Q(uid=wanted.lower()))
        context["jobs"] = [
            row_of(job, utcnow()) for job in found.select_related("owner").order_by("-id")[:20]
        ]
    return render(request, "dashboard/search.html", context)


@require_POST
def show_demo_hall(request: HttpRequest) -> HttpResponse:
    demo_hall.show(actor_of(request), utcnow(), settings.DATA_DIR)
    messages.success(request, _("The demo hall appears within a few seconds. Everything in it is simulated."))
    return HttpResponseRedirect(reverse("dashboard:overview") + "?overview")


@require_POST
def remove_demo_hall(request: HttpRequest) -> HttpResponse:
    demo_hall.remove(actor_of(request), utcnow(), settings.DATA_DIR)
    messages.success(request, _("The demo hall is gone."))
    return HttpResponseRedirect(reverse("dashboard:overview"))
