"""Jobs list: server-side pages, filters in the address, saved views as tabs, CSV, bulk actions."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from dcportal.accounts.identify import actor_of
from dcportal.common import reasons
from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from dcportal.common.csv_export import line
from dcportal.common.problems import Refusal, invalid
from jobs import access
from jobs.actions import control
from jobs.models import Job
from jobs.queries.lists import describe, jobs_list
from jobs.states import JOB_LIVE, JOB_WAITING, JobState
from jobs.views.rows import row_of

PAGE_SIZE = 50
CSV_COLUMNS = (
    "uid", "name", "state", "owner", "team", "ranks", "gpus", "created_at", "running_at", "ended_at",
)  # fmt: skip
MOST_PAGES = 2000
ORDERINGS = {"created_at": "id", "state": "state", "name": "name"}
CONFIRM_CANCEL = _lazy(
    "Cancel the selected jobs? Each counts as cancelled once none of its processes is left."
)
BULK: dict[str, Callable[[Actor, Job, datetime], Job]] = {
    "cancel": control.cancel,
    "hold": control.hold,
    "release": control.release,
}


@require_GET
def job_list(request: HttpRequest) -> HttpResponse:
    """One page of the jobs that the reader may see."""
    actor, now = actor_of(request), utcnow()
    number = page_number(request.GET)
    start = (number - 1) * PAGE_SIZE
    rows = jobs_list(actor, request.GET).order_by(*ordering_of(request.GET))
    found = list(rows[start : start + PAGE_SIZE + 1])
    totals = counts(actor, now)
    context = {
        "rows": [row_of(job, now, actor) for job in found[:PAGE_SIZE]],
        "page": page_links(request.GET, number, len(found)),
        "counts": totals,
        "tabs": tabs(request.GET, totals),
        "chips": chips(request.GET),
        "clear_url": reverse("jobs:job-list"),
        "filters": request.GET,
        "is_filtered": bool(describe(request.GET)),
        "states": JobState.choices,
        "ordering": request.GET.get("ordering", "-created_at"),
        "can_launch": actor.has_role("user"),
        "bulk_actions": bulk_actions(),
    }
    return render(request, "jobs/list.html", context)


def page_number(query: QueryDict) -> int:
    text = query.get("page") or "1"
    if not (text.isascii() and text.isdigit() and 0 < int(text[:7]) <= MOST_PAGES):
        raise invalid("/page", "bad_parameter", name="page", value=text[:40])
    return int(text)


def ordering_of(query: QueryDict) -> list[str]:
    wanted = query.get("ordering") or "-created_at"
    column = ORDERINGS.get(wanted.removeprefix("-"))
    if column is None:
        raise invalid("/ordering", "bad_parameter", name="ordering", value=wanted[:40])
    direction = "-" if wanted.startswith("-") else ""
    return [f"{direction}{column}"] if column == "id" else [f"{direction}{column}", "-id"]


def page_links(query: QueryDict, number: int, num_found: int) -> dict[str, Any]:
    """For `components/_pagination.html`. No total: counting 100,000 jobs costs more than the page."""
    first = (number - 1) * PAGE_SIZE + 1
    return {
        "first": first,
        "last": first + min(num_found, PAGE_SIZE) - 1,
        "total": None,
        "previous_url": address(query, page=number - 1 if number > 2 else None) if number > 1 else None,
        "next_url": address(query, page=number + 1) if num_found > PAGE_SIZE else None,
    }


def address(query: QueryDict, **changes: object) -> str:
    """This list with some parameters changed; None removes one."""
    kept = query.copy()
    for name, value in changes.items():
        kept.pop(name, None)
        if value is not None:
            kept[name] = str(value)
    return "?" + kept.urlencode()


def counts(actor: Actor, now: datetime) -> dict[str, int]:
    """Running, queued, own open ones, and those ended within a day, from indexed columns."""
    rows = access.jobs_visible_to(actor)
    own = Q(owner_id=actor.user_id) if actor.user_id is not None else Q(pk__in=())
    open_rows = rows.filter(state__in=JOB_LIVE | JOB_WAITING).aggregate(
        running=Count("pk", filter=Q(state__in=JOB_LIVE)),
        queued=Count("pk", filter=Q(state__in=JOB_WAITING)),
        mine=Count("pk", filter=own),
    )
    ended = rows.filter(ended_at__gte=now - timedelta(days=1)).aggregate(
        ended_24h=Count("pk"), failed_24h=Count("pk", filter=Q(state=JobState.FAILED))
    )
    return {**open_rows, **ended}


def tabs(query: QueryDict, totals: dict[str, int]) -> list[dict[str, Any]]:
    """The saved views with counts of what is open; one is current when the address says exactly that."""
    views = [
        (_("All"), {}, None),
        (_("Mine"), {"owner": "me"}, None),
        (_("My open jobs"), {"owner": "me", "state": "live,waiting"}, totals["mine"]),
        (_("Running"), {"state": "live"}, totals["running"]),
        (_("Waiting"), {"state": "waiting"}, totals["queued"]),
        (_("Failed"), {"state": "failed"}, None),
    ]
    now = describe(query)
    return [
        {"label": label, "url": "?" + urlencode(wanted), "current": now == wanted, "count": count}
        for label, wanted, count in views
    ]


def chips(query: QueryDict) -> list[dict[str, str]]:
    labels = {"q": _("Search"), "state": _("State"), "owner": _("User"), "team": _("Team"), "node": _("Node")}
    return [
        {
            "label": labels.get(name, name),
            "value": chip_text(value),
            "remove_url": address(query, **{name: None, "page": None}),
        }
        for name, value in describe(query).items()
    ]


def chip_text(value: str) -> str:
    """`live,waiting` -> `Running, Waiting`; what is no state stays as it was typed."""
    words = dict(JobState.choices) | {"live": _("Running"), "waiting": _("Waiting"), "ended": _("Ended")}
    return ", ".join(str(words.get(part, part)) for part in value.split(","))


def bulk_actions() -> list[dict[str, str]]:
    return [
        {"name": "cancel", "label": _("Cancel"), "icon": "stop", "tone": "danger",
         "confirm": str(CONFIRM_CANCEL)},
        {"name": "hold", "label": _("Hold"), "icon": "pause"},
        {"name": "release", "label": _("Release"), "icon": "play"},
    ]  # fmt: skip


@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """Cancel, hold or release the ticked jobs; says how many it touched and why not the others."""
    actor, now = actor_of(request), utcnow()
    act = BULK.get(request.POST.get("action", ""))
    if act is None:
        raise invalid("/action", "unknown_choice", value=request.POST.get("action", "")[:40])
    uids = request.POST.getlist("uid")[: control.BULK_LIMIT]
    rows = access.jobs_visible_to(actor).select_related("team", "owner").filter(uid__in=uids)
    refused: list[str] = []
    for job in rows:
        try:
            act(actor, job, now)
        except Refusal as refusal:
            refused.append(f"{job.name}: {why(refusal)}")
    tell(request, len(rows) - len(refused), refused)
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    return HttpResponseRedirect(target if safe else reverse("jobs:job-list"))


def why(refusal: Refusal) -> str:
    """The refusal as a sentence."""
    code, params = getattr(refusal, "code", "forbidden"), getattr(refusal, "params", {})
    return reasons.text(code, params)


def tell(request: HttpRequest, num_done: int, refused: list[str]) -> None:
    if num_done:
        text = ngettext("Asked for %(n)d job.", "Asked for %(n)d jobs.", num_done)
        messages.success(request, text % {"n": num_done})
    if refused:
        text = ngettext("%(n)d job was left as it is:", "%(n)d jobs were left as they are:", len(refused))
        messages.warning(request, f"{text % {'n': len(refused)}} {' · '.join(refused[:5])}")


@require_GET
def job_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The filtered list as CSV, up to 10,000 rows, streamed."""
    actor = actor_of(request)
    rows = jobs_list(actor, request.GET).order_by(*ordering_of(request.GET))
    lines = csv_lines(rows[:10_000])
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="jobs.csv"'
    return response


def csv_lines(rows: QuerySet[Job]) -> Iterator[str]:
    """The head and a line per job, times as ISO text."""
    yield line(CSV_COLUMNS)
    for job in rows.iterator(chunk_size=500):
        yield line(
            [job.uid, job.name, job.state, job.owner.username, job.team.name, job.ranks, job.gpus,
             job.created_at, job.running_at, job.ended_at]
        )  # fmt: skip
