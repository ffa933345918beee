"""The processes of an attempt and how far its stop is, for the job page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from dcportal.common.templatetags.dcp import clock_time
from jobs.models import Attempt, Job
from jobs.states import JobState
from jobs.views.steps import Step


@dataclass(frozen=True, slots=True)
class ProcessLine:
    """One process by name and when it was gone."""

    pid: int
    name: str
    rank: str
    gone: str
    is_gone: bool
    note: str


@dataclass(frozen=True)
class Stop:
    """A cancel in progress or done: its steps and each process."""

    steps: list[Step]
    processes: list[ProcessLine]
    num_gone: int

    @property
    def num_left(self) -> int:
        return len(self.processes) - self.num_gone


def stop_of(job: Job, attempt: Attempt | None) -> Stop | None:
    """How the stop of this attempt stands; None when nobody asked for one."""
    if attempt is None or not attempt.stop:
        return None
    lines = [line_of(process) for process in attempt.stop.get("processes", [])]
    gone = sum(line.is_gone for line in lines)
    return Stop(stop_steps(job, attempt, attempt.stop, lines, gone), lines, gone)


def stop_steps(
    job: Job, attempt: Attempt, stop: dict[str, Any], lines: list[ProcessLine], gone: int
) -> list[Step]:
    is_over = attempt.ended_at is not None
    signalled = any(process.get("signalled") for process in stop.get("processes", []))
    due = moment(stop.get("kill_due_at"))
    return [
        Step(_("Requested"), "done", "user", clock_time(moment(stop.get("requested_at"))), stop_cause(stop)),
        Step(_("Asked to end"), "done" if signalled or is_over else "waiting", "stop", "", "SIGTERM"),
        Step(
            _("Processes gone"),
            "done" if is_over else "waiting",
            "circle",
            _("{gone} of {all}").format(gone=gone, all=len(lines)),
            "" if is_over or due is None else _("killed from {time}").format(time=clock_time(due)),
        ),
        Step(
            str(JobState(job.state).label) if is_over else _("Ended"),
            "done" if is_over else "todo",
            "check",
            clock_time(attempt.ended_at) if is_over else "",
        ),
    ]


def stop_cause(stop: dict[str, Any]) -> str:
    return {"time_limit": _("time limit reached"), "cancel": _("cancelled")}.get(stop.get("why", ""), "")


def line_of(process: dict[str, Any]) -> ProcessLine:
    gone_at = moment(process.get("gone_at"))
    rank = process.get("rank")
    return ProcessLine(
        pid=process["pid"],
        name=process.get("name", ""),
        rank="" if rank is None else str(rank),
        gone=clock_time(gone_at) if gone_at else "",
        is_gone=gone_at is not None,
        note=process.get("note", ""),
    )


def moment(value: str | None) -> datetime | None:
    return parse_datetime(value) if isinstance(value, str) else None
