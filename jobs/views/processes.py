"""The processes of an attempt and how far its stop is, for the job page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from dcportal.common import units
from dcportal.common.templatetags.dcp import clock_time
from jobs.models import Attempt, Job
from jobs.states import JobState
from jobs.views.steps import Step
from monitoring.queries import accelerator_processes


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
    """Requested, signalled, checkpoint, processes gone, GPU memory free, ended."""
    is_over = attempt.ended_at is not None
    return [
        Step(_("Requested"), "done", "user", clock_time(moment(stop.get("requested_at"))), stop_cause(stop)),
        signal_step(stop, is_over),
        *checkpoint_steps(attempt, stop),
        gone_step(stop, is_over, gone, len(lines)),
        *memory_steps(attempt, is_over),
        end_step(job, attempt),
    ]


def signal_step(stop: dict[str, Any], is_over: bool) -> Step:
    """Which signals went out, and to how many processes."""
    sent = [process["signalled"] for process in stop.get("processes", []) if process.get("signalled")]
    names = sorted({name for each in sent for name in each})
    first = min((at for each in sent for at in each.values()), default=None)
    note = _("{signals} to {n} of {all}").format(
        signals=", ".join(names) or "SIGTERM", n=len(sent), all=len(stop.get("processes", []))
    )
    time = clock_time(moment(first)) if first else ""
    return Step(_("Asked to end"), "done" if sent or is_over else "waiting", "stop", time, note)


def checkpoint_steps(attempt: Attempt, stop: dict[str, Any]) -> list[Step]:
    """The checkpoint that the run saved because it was asked to end, if it did."""
    asked = moment(stop.get("requested_at"))
    saved = attempt.checkpoints.filter(saved_at__gte=asked).first() if asked else None
    if saved is None:
        return []
    note = _("step {step}").format(step=saved.step)
    return [Step(_("Checkpoint saved"), "done", "save", clock_time(saved.saved_at), note)]


def gone_step(stop: dict[str, Any], is_over: bool, gone: int, all_of_them: int) -> Step:
    due = moment(stop.get("kill_due_at"))
    return Step(
        _("Processes gone"),
        "done" if is_over else "waiting",
        "circle",
        _("{gone} of {all}").format(gone=gone, all=all_of_them),
        "" if is_over or due is None else _("killed from {time}").format(time=clock_time(due)),
    )


def memory_steps(attempt: Attempt, is_over: bool) -> list[Step]:
    """How many of its GPUs hold no process of this attempt any more; nothing for a job without GPUs."""
    total = len(attempt.accelerator_uuids)
    if not total or attempt.node is None:
        return []
    own = [each for each in accelerator_processes([attempt.node.uid]) if each.job_tag == attempt.tag]
    held = {each.accelerator_uuid for each in own}
    left = sum(each.memory_bytes or 0 for each in own)
    note = _("{size} still held").format(size=units.bytes_human(left)) if held else ""
    time = _("{n} of {all}").format(n=total - len(held), all=total)
    status = "waiting" if held else "done" if is_over else "todo"
    return [Step(_("GPU memory free"), status, "memory", time, note)]


def end_step(job: Job, attempt: Attempt) -> Step:
    """The end, said only when nothing of the attempt is left."""
    if attempt.ended_at is None:
        return Step(_("Ended"), "todo", "check")
    return Step(str(JobState(job.state).label), "done", "check", clock_time(attempt.ended_at))


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
