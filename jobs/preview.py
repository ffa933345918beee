"""What would happen if this request were launched now; reads only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dcportal.common import units
from dcportal.common.actors import Actor
from dcportal.common.problems import Problem
from jobs import board
from jobs.access import jobs_visible_to
from jobs.models import Job
from jobs.states import JobState
from trainer.spec.merging import value_at


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer in one sentence. `tone`: accent waits, ok starts, critical cannot."""

    tone: str
    icon: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    icon: str
    title: str
    note: str
    tone: str = "muted"


@dataclass(frozen=True)
class Preview:
    verdict: Verdict
    lines: list[Line]
    num_problems: int


def preview_of(actor: Actor, request: Mapping[str, Any], problems: list[Problem]) -> Preview:
    """The preview of a request that has these problems; figures of a wrong one would mean nothing."""
    now = board.free_board()
    free = Line("gpu", free_gpus_title(now), _("that a job could get now"))
    figures = [] if problems else lines_of(actor, request, now)
    return Preview(verdict_of(request, problems, now), [free, *figures], len(problems))


def verdict_of(request: Mapping[str, Any], problems: list[Problem], now: board.Board) -> Verdict:
    if problems:
        return Verdict("critical", "alert", _("Cannot be launched"), _("See the marked fields."))
    if not now.launchable_nodes:
        return Verdict("accent", "clock", _("Waits"), _("No node can start jobs at the moment."))
    waiting = Job.objects.filter(state=JobState.QUEUED).count()
    gpus = value_at(request, "resources.gpus") or 0
    if isinstance(gpus, int) and gpus > now.largest_block:
        text = _("{wanted} GPUs on one node, {free} free now.").format(wanted=gpus, free=now.largest_block)
        return Verdict("accent", "clock", _("Waits for GPUs"), text)
    if waiting:
        text = ngettext("%(n)d job waits ahead of it.", "%(n)d jobs wait ahead of it.", waiting)
        return Verdict("accent", "clock", _("Queues"), text % {"n": waiting})
    return Verdict("ok", "circle-check", _("Starts now"), _("What it asks for is free."))


def lines_of(actor: Actor, request: Mapping[str, Any], now: board.Board) -> list[Line]:
    """The figures of a valid request beside the verdict; what is not known is left out."""
    lines = [ranks_line(request, now)]
    past = typical_seconds(actor, value_at(request, "job.name"))
    if past:
        low, high = past
        lines.append(
            Line(
                "clock",
                _("Runs {low} to {high}").format(low=units.duration(low), high=units.duration(high)),
                _("as the last runs of this name did"),
            )
        )
    limit = value_at(request, "job.time_limit_seconds")
    if isinstance(limit, int):
        lines.append(
            Line("clock", _("Stopped after {time}").format(time=units.duration(limit)), _("time limit"))
        )
    return lines


def free_gpus_title(now: board.Board) -> str:
    if not now.total:
        return _("No GPU here; runs on the CPU")
    return _("{free} of {total} GPUs free").format(free=now.free, total=now.total)


def ranks_line(request: Mapping[str, Any], now: board.Board) -> Line:
    ranks, gpus = value_at(request, "resources.ranks"), value_at(request, "resources.gpus")
    where = _("on GPUs") if gpus else _("on {n} CPU threads").format(n=now.cpu_count)
    return Line("jobs", _("{n} ranks").format(n=ranks or "–"), where)


def typical_seconds(actor: Actor, name: object) -> tuple[float, float] | None:
    """Shortest and longest of the last ten successes of this name that the actor may see, in seconds."""
    times = jobs_visible_to(actor).filter(name=str(name or ""), state=JobState.SUCCEEDED)
    pairs = times.order_by("-id").values_list("running_at", "ended_at")[:10]
    spans = [(end - start).total_seconds() for start, end in pairs if start and end]
    return (min(spans), max(spans)) if spans else None
