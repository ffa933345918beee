"""What event lines of a job mean: a pure step from lines to what is to be stored.

The lines come from the job, which may write anything. Whatever is out of bounds is counted and left out.
"""

import math
import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from dcportal.common.reasons import reason
from trainer.events import Event

LARGEST = 2**63 - 1
METRICS_LIMIT = 64
_CATEGORIES = {
    65: "bad_config_or_data",
    70: "user_error",
    71: "diverged",
    72: "out_of_memory",
    74: "storage_failed",
}
# A rank that only noticed the death of another knows nothing of the cause.
_ECHOES = frozenset({"peer_lost", "interrupted"})
_NEAR = timedelta(days=1)


@dataclass
class SavedCheckpoint:
    """`path` is below the work folder."""

    step: int
    path: str
    size_bytes: int | None
    is_best: bool
    saved_at: datetime


@dataclass
class Effects:
    """All that a batch of lines says. `points`: metric -> (step, seconds since 1970, value)."""

    points: dict[str, list[tuple[int, float, float]]] = field(default_factory=lambda: defaultdict(list))
    step: int | None = None
    total: int | None = None
    step_at: datetime | None = None
    phase: str | None = None
    alive_at: datetime | None = None
    checkpoints: list[SavedCheckpoint] = field(default_factory=list)
    notices: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    told: dict[str, Any] | None = None
    skipped: int = 0


def gather(lines: list[Event], work: str, now: datetime, effects: Effects | None = None) -> Effects:
    """Effects of `lines`, added to `effects`. `work`: the absolute path of the job's work folder."""
    effects = effects or Effects()
    for line in lines:
        take = _TAKERS.get(line.kind)
        if take is None:
            continue
        try:
            take(effects, line, work, now)
        except (ValueError, TypeError, KeyError, OverflowError):
            effects.skipped += 1
    return effects


def _step(effects: Effects, line: Event, work: str, now: datetime) -> None:
    if line.rank != 0:
        return
    step, at = whole(line.data["step_to"]), moment(line.t, now)
    total = line.data.get("total_steps")
    effects.step, effects.step_at, effects.alive_at = step, at, at
    effects.total = whole(total) if total is not None else effects.total
    _take_metrics(effects, line.data.get("metrics"), step, at, "")


def _eval(effects: Effects, line: Event, work: str, now: datetime) -> None:
    if line.rank != 0:
        return
    split = name_of(line.data.get("split", "evaluation"), 24)
    _take_metrics(
        effects, line.data.get("metrics"), whole(line.data["step"]), moment(line.t, now), f"{split}/"
    )


def _take_metrics(effects: Effects, metrics: Any, step: int, at: datetime, prefix: str) -> None:
    if not isinstance(metrics, dict):
        return
    for name, value in metrics.items():
        full = prefix + name_of(name, 64 - len(prefix))
        if full not in effects.points and len(effects.points) >= METRICS_LIMIT:
            effects.skipped += 1
            continue
        effects.points[full].append((step, at.timestamp(), figure(value)))


def _checkpoint(effects: Effects, line: Event, work: str, now: datetime) -> None:
    size = line.data.get("bytes")
    effects.checkpoints.append(
        SavedCheckpoint(
            step=whole(line.data["step"]),
            path=below(line.data["path"], work),
            size_bytes=whole(size) if size is not None else None,
            is_best=line.data.get("best") is True,
            saved_at=moment(line.t, now),
        )
    )


def _phase(effects: Effects, line: Event, work: str, now: datetime) -> None:
    if line.rank == 0:
        name = name_of(line.data["phase"], 32)
        effects.phase = name if line.data.get("state") == "begin" else ""


def _heartbeat(effects: Effects, line: Event, work: str, now: datetime) -> None:
    effects.alive_at = moment(line.t, now)


def _notice(effects: Effects, line: Event, work: str, now: datetime) -> None:
    effects.notices.append(("notice", "job_notice", {"message": spoken(line.data["message"])}))


def _error(effects: Effects, line: Event, work: str, now: datetime) -> None:
    detail = name_of(line.data.get("code", "exception"), 64)
    if detail in _ECHOES:
        return
    category = _CATEGORIES.get(line.data.get("exit_code", 70), "user_error")
    told = reason(category, message=spoken(line.data.get("message", "")), detail=detail, rank=line.rank)
    effects.told = effects.told or told


def _end(effects: Effects, line: Event, work: str, now: datetime) -> None:
    if line.data.get("status") == "stopped" and line.rank == 0:
        effects.told = effects.told or reason("stopped_resumable", step=whole(line.data.get("step", 0)))


_TAKERS: dict[str, Callable[[Effects, Event, str, datetime], None]] = {
    "step": _step,
    "eval": _eval,
    "checkpoint": _checkpoint,
    "phase": _phase,
    "heartbeat": _heartbeat,
    "notice": _notice,
    "error": _error,
    "end": _end,
}


def whole(value: Any) -> int:
    """A whole number that a column holds. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
        raise ValueError(value)
    return value


def figure(value: Any) -> float:
    """A number; what is none (null, a text) becomes NaN, which a chart shows as a gap."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return math.nan
    return float(value)


def name_of(value: Any, longest: int) -> str:
    """A short printable name. Raises ValueError."""
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise ValueError("not a name")
    return value


def spoken(value: Any) -> str:
    """Text for people: at most 1,000 characters that a column can keep."""
    text = value if isinstance(value, str) else str(value)
    return text[:1000].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def moment(t: float | None, now: datetime) -> datetime:
    """The time a line names, or now where it names none or one that cannot be."""
    if t is None or not 0 <= t < 4e9:
        return now
    at = datetime.fromtimestamp(t, UTC)
    return at if abs(at - now) < _NEAR else now


def below(path: Any, work: str) -> str:
    """`path` as seen from the work folder. Raises ValueError when it lies elsewhere."""
    if not isinstance(path, str) or not path or len(path) > 4096 or not path.isprintable():
        raise ValueError("not a path")
    full = os.path.normpath(os.path.join(work, path))
    if not full.startswith(work + "/") or len(full) - len(work) > 1024:
        raise ValueError("not below the work folder")
    return full[len(work) + 1 :]
