"""What the files of a run folder say, as an `EngineReport`."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jobs.engines.base import (
    ClaimInfo,
    CodeRecord,
    EngineReport,
    ProcessInfo,
    Reason,
    State,
    StopProgress,
)
from jobs.engines.runner import claim, folder
from jobs.engines.runner.folder import RunFolder
from jobs.engines.runner.processes import Identity
from trainer.spec.problems import Problem


def report_of(files: RunFolder, tag: str, node: str) -> EngineReport:
    """Report of the attempt in `files` from its files alone; liveness of its runner is not looked at."""
    final = folder.read_json(files.exit)
    state = folder.read_json(files.state) or {}
    runner = folder.read_json(files.runner) or {}
    stop = folder.read_json(files.stop)
    seen = final if final is not None else {}
    logged, dropped = _log_sizes(files)
    return EngineReport(
        tag=tag,
        engine_id=tag,
        state=_state(final, state, runner),
        reason=_reason(seen.get("reason")),
        phase=state.get("phase"),
        raw_state=str(state.get("phase") or ""),
        exit_code=seen.get("exit_code"),
        signal=seen.get("signal"),
        submitted_at=_modified(files.spec),
        started_at=when(seen.get("started_at") or state.get("started_at")),
        ended_at=when(seen.get("ended_at")),
        heartbeat_at=_modified(files.heartbeat),
        processes=() if final is not None else processes_of(state.get("processes")),
        stop=_stop(seen.get("stop") or stop),
        claim=_claim(files),
        container=(runner.get("container") or {}).get("level"),
        cgroup=(runner.get("container") or {}).get("path"),
        code=_code(seen.get("code") or state.get("code")),
        problems=tuple(_problem(problem) for problem in seen.get("problems") or ()),
        rank_exits={int(rank): code for rank, code in (seen.get("rank_exits") or {}).items()},
        nodes=(node,),
        log_bytes=logged,
        log_dropped_bytes=dropped,
    )


def runner_of(files: RunFolder) -> Identity | None:
    """The process that runs the attempt, alive or not; None before it introduced itself."""
    return Identity.from_json(folder.read_json(files.runner))


def when(value: Any) -> datetime | None:
    """An aware UTC time out of a control file."""
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (TypeError, ValueError):
        return None


def processes_of(entries: Any) -> tuple[ProcessInfo, ...]:
    """Processes as state and stop files list them."""
    found: Iterable[Mapping[str, Any]] = entries or ()
    return tuple(
        ProcessInfo(
            pid=entry["pid"],
            start_ticks=entry["start_ticks"],
            name=entry["name"],
            rank=entry.get("rank"),
            signalled=_times(entry.get("signalled")),
            gone_at=when(entry.get("gone_at")),
            note=entry.get("note") or "",
        )
        for entry in found
    )


def _times(value: Any) -> dict[str, datetime]:
    given: Mapping[str, Any] = value or {}
    return {name: at for name, text in given.items() if (at := when(text)) is not None}


def _state(final: Mapping[str, Any] | None, state: Mapping[str, Any], runner: Mapping[str, Any]) -> State:
    if final is not None:
        return State(final["state"])
    if not runner:
        return State.PENDING
    known = {"running": State.RUNNING, "stopping": State.STOPPING}
    return known.get(state.get("phase") or "", State.STARTING)


def _reason(value: Any) -> Reason | None:
    return Reason(value["code"], value.get("params") or {}) if isinstance(value, dict) else None


def _stop(value: Mapping[str, Any] | None) -> StopProgress | None:
    requested = when(value.get("requested_at")) if value else None
    if value is None or requested is None:
        return None
    return StopProgress(
        requested_at=requested,
        grace_seconds=value["grace_seconds"],
        why=value["why"],
        kill_due_at=when(value.get("kill_due_at")),
        processes=processes_of(value.get("processes")),
    )


def _claim(files: RunFolder) -> ClaimInfo | None:
    owner = claim.owner_of(files.claim)
    if owner is None:
        return None
    return ClaimInfo(str(owner.get("engine_id")), int(owner.get("restart_count", 0)), when(owner.get("at")))


def _code(value: Any) -> CodeRecord | None:
    return CodeRecord(**value) if isinstance(value, dict) and value.get("kind") else None


def _problem(value: Mapping[str, Any]) -> Problem:
    return Problem(value["pointer"], value["code"], dict(value["params"]))


def _log_sizes(files: RunFolder) -> tuple[int | None, int | None]:
    """Bytes stored and bytes lost."""
    counts = folder.read_json(files.log_counts)
    if counts is None:
        return None, None
    return counts["stored_bytes"], counts["dropped_bytes"] + counts["rotated_bytes"]


def _modified(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return None
