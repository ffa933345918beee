"""What the engines say, written into attempts and jobs."""

import logging
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from dcportal.common.reasons import reason
from jobs.actions import emit, move_attempt, move_job
from jobs.engines import registry
from jobs.engines.base import (
    Engine,
    EngineReport,
    EngineUnreachable,
    NoRoom,
    ProcessInfo,
    Reason,
    State,
    StopProgress,
)
from jobs.models import Attempt, Job
from jobs.scheduler.lease import Lease
from jobs.states import JOB_LIVE, AttemptState, JobState

logger = logging.getLogger(__name__)
HEARTBEAT_STORED_EVERY = timedelta(seconds=15)
NOT_FOUND_LIMIT = 3
EVENTS_PER_REPORT = 64

_LIVE = {
    State.PENDING: AttemptState.SUBMITTED,
    State.STARTING: AttemptState.STARTING,
    State.RUNNING: AttemptState.RUNNING,
    State.STOPPING: AttemptState.STOPPING,
}


class Poller:
    """Asks each engine once per round. Remembers only what a restart may forget."""

    def __init__(self) -> None:
        self._last_answer: dict[str, datetime] = {}
        self._not_found: dict[str, int] = {}

    def reports(self, lease: Lease, name: str, attempts: list[Attempt], now: datetime) -> list[EngineReport]:
        """Reports on `attempts`, all given to engine `name`; empty while it does not answer."""
        try:
            engine = registry.get(name)
            since = self._last_answer.get(name)
            known = engine.poll_all(since - timedelta(seconds=60) if since else None)
            found = [report for attempt in attempts if (report := self._one(engine, known, attempt))]
        except (EngineUnreachable, registry.NoSuchEngine) as error:
            logger.warning("engine %s does not answer: %s", name, error)
            note_unreachable(lease, name, now)
            return []
        self._last_answer[name] = now
        note_reachable(lease, name, now)
        return found

    def _one(self, engine: Engine, known: dict[str, EngineReport], attempt: Attempt) -> EngineReport | None:
        report = known.get(attempt.tag) or engine.find(attempt.tag)
        if report is not None:
            self._not_found.pop(attempt.tag, None)
            return report
        times = self._not_found[attempt.tag] = self._not_found.get(attempt.tag, 0) + 1
        if times < NOT_FOUND_LIMIT:
            return None
        return EngineReport(
            tag=attempt.tag, engine_id=attempt.engine_id, state=State.LOST, reason=Reason("engine_lost")
        )


def note_unreachable(lease: Lease, engine: str, now: datetime) -> None:
    """Put the time beside the state of the engine's jobs; their states stay."""
    rows = Job.objects.filter(engine=engine, state__in=JOB_LIVE, engine_unreachable_since=None)
    if not rows.exists():
        return
    with lease.transaction(now):
        for job in rows:
            Job.objects.filter(pk=job.pk).update(engine_unreachable_since=now)
            emit(job, "engine", "engine_unreachable", now, engine=engine)


def note_no_room(lease: Lease, attempt: Attempt, refusal: NoRoom, now: datetime) -> None:
    """Say at the job why its engine cannot take it yet."""
    told = reason(refusal.reason.code, **dict(refusal.reason.params))
    if attempt.job.reason == told:
        return
    logger.warning("%s cannot start %s yet: %s", attempt.engine, attempt.tag, refusal)
    with lease.transaction(now):
        Job.objects.filter(pk=attempt.job_id).update(reason=told)


def note_reachable(lease: Lease, engine: str, now: datetime) -> None:
    """Take it away again."""
    rows = Job.objects.filter(engine=engine, engine_unreachable_since__isnull=False)
    if not rows.exists():
        return
    with lease.transaction(now):
        for job in rows:
            Job.objects.filter(pk=job.pk).update(engine_unreachable_since=None)
            emit(job, "engine", "engine_back", now, engine=engine)


def apply_report(lease: Lease, attempt: Attempt, report: EngineReport, now: datetime) -> None:
    """Write what is new in a report that is not final."""
    columns = changed_columns(attempt, report)
    target = _LIVE[report.state]
    moves = target != attempt.state
    if not columns and not moves:
        return
    with lease.transaction(now):
        events = _new_events(attempt, columns)
        if columns:
            Attempt.objects.filter(pk=attempt.pk).update(**columns, updated_at=now)
            for name, value in columns.items():
                setattr(attempt, name, value)
        if "phase" in columns:
            Job.objects.filter(pk=attempt.job_id).update(phase=columns["phase"])
        if moves:
            move_attempt(attempt, target, now)
            events = [*_follow_with_job(attempt, target, now), *events]
        for kind, code, params in events[:EVENTS_PER_REPORT]:
            emit(attempt.job, kind, code, now, attempt=attempt.number, **params)


def apply_final_figures(lease: Lease, attempt: Attempt, report: EngineReport, now: datetime) -> None:
    """Processes with their times, log sizes and the like of an attempt that is over; no state yet."""
    columns = changed_columns(attempt, report)
    if not columns:
        return
    with lease.transaction(now):
        events = _new_events(attempt, columns)
        Attempt.objects.filter(pk=attempt.pk).update(**columns, updated_at=now)
        for kind, code, params in events[:EVENTS_PER_REPORT]:
            emit(attempt.job, kind, code, now, attempt=attempt.number, **params)


def _follow_with_job(attempt: Attempt, target: str, now: datetime) -> list[tuple[str, str, dict[str, Any]]]:
    """Running and stopping attempts take their job along."""
    to = {AttemptState.RUNNING: JobState.RUNNING, AttemptState.STOPPING: JobState.STOPPING}.get(
        AttemptState(target)
    )
    if to is None or not move_job(attempt.job, to, now):
        return []
    return [("state", f"job_{to}", {})]


def changed_columns(attempt: Attempt, report: EngineReport) -> dict[str, Any]:
    """Columns of the attempt that the report changes; unknown figures change nothing."""
    values: dict[str, Any] = {
        "raw_state": report.raw_state[:64],
        "raw_reason": report.raw_reason[:500],
        "phase": (report.phase or "")[:32],
        "processes": [process_json(each) for each in report.processes],
        "stop": stop_json(report.stop),
        "container": (report.container or "")[:32],
        "cgroup": (report.cgroup or "")[:500],
        "code": asdict(report.code) if report.code else None,
        "log_bytes": report.log_bytes,
        "log_dropped_bytes": report.log_dropped_bytes,
        "restarts": report.restarts,
    }
    changed = {
        name: value
        for name, value in values.items()
        if value != getattr(attempt, name) and (value not in (None, [], "") or name == "phase")
    }
    return changed | _heartbeat(attempt, report)


def _heartbeat(attempt: Attempt, report: EngineReport) -> dict[str, Any]:
    new, old = report.heartbeat_at, attempt.heartbeat_at
    if new is None or (old is not None and new - old < HEARTBEAT_STORED_EVERY):
        return {}
    return {"heartbeat_at": new}


def process_json(process: ProcessInfo) -> dict[str, Any]:
    """A process as stored: times as text, unknown None."""
    return {
        "pid": process.pid,
        "start_ticks": process.start_ticks,
        "name": process.name[:64],
        "rank": process.rank,
        "signalled": {name: at.isoformat() for name, at in process.signalled.items()},
        "gone_at": process.gone_at.isoformat() if process.gone_at else None,
        "note": process.note[:200],
    }


def stop_json(stop: StopProgress | None) -> dict[str, Any] | None:
    """A stop as stored, its processes among it."""
    if stop is None:
        return None
    return {
        "requested_at": stop.requested_at.isoformat(),
        "grace_seconds": stop.grace_seconds,
        "why": stop.why,
        "kill_due_at": stop.kill_due_at.isoformat() if stop.kill_due_at else None,
        "left": stop.left,
        "processes": [process_json(process) for process in stop.processes],
    }


def _new_events(attempt: Attempt, columns: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    events: list[tuple[str, str, dict[str, Any]]] = []
    if columns.get("stop"):
        events += _stop_events(attempt.stop or {}, columns["stop"])
    if columns.get("log_dropped_bytes") and not attempt.log_dropped_bytes:
        events.append(("log", "log_bytes_dropped", {"bytes": columns["log_dropped_bytes"]}))
    if columns.get("phase") == "preparing":
        events.append(("engine", "attempt_preparing", {}))
    return events


def _stop_events(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Which signals were sent and which processes are gone since the last report."""
    was = {(each["pid"], each["start_ticks"]): each for each in old.get("processes", [])}
    sent: dict[str, int] = {}
    gone = []
    for each in new["processes"]:
        before = was.get((each["pid"], each["start_ticks"]), {})
        for name in each["signalled"].keys() - before.get("signalled", {}).keys():
            sent[name] = sent.get(name, 0) + 1
        if each["gone_at"] and not before.get("gone_at"):
            gone.append(("engine", "process_gone", {"pid": each["pid"], "name": each["name"]}))
    signals = [
        ("engine", "stop_signalled", {"signal": name, "count": count}) for name, count in sorted(sent.items())
    ]
    return signals + gone
