"""Why a job failed, said first on its page: cause, its own message, the rank, the last lines of the log."""

import re
from dataclasses import dataclass
from typing import Any

from dcportal.common import reasons
from jobs.models import Attempt, Job
from jobs.queries.logs import log_window
from jobs.states import JobState

LAST_LINES = 12
TAIL_BYTES = 8192
MOST_LETTERS = 4000
# What a terminal would take as colour or cursor moves.
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


@dataclass(frozen=True, slots=True)
class Failure:
    """`message`: the program's own words; `tail`: the log's last lines where it left none."""

    cause: str
    message: str
    rank: int | None
    detail: str
    tail: str
    find: str


def failure_of(job: Job, attempt: Attempt | None) -> Failure | None:
    """None unless the job, or the attempt looked at, failed."""
    reason = told(job, attempt)
    if reason is None:
        return None
    params = reason.get("params") or {}
    message = str(params.get("message") or "").strip()[:MOST_LETTERS]
    tail = "" if message or attempt is None else last_lines(attempt)
    return Failure(
        cause=reasons.text_of(reason),
        message=message,
        rank=params.get("rank") if isinstance(params.get("rank"), int) else None,
        detail=str(params.get("detail") or ""),
        tail=tail,
        find=search_words(message or tail),
    )


def told(job: Job, attempt: Attempt | None) -> dict[str, Any] | None:
    if attempt is not None and attempt.state in {"failed", "lost"} and attempt.cause:
        return dict(attempt.cause)
    return dict(job.reason) if job.state == JobState.FAILED and job.reason else None


def last_lines(attempt: Attempt) -> str:
    """The end of the log without times and colours; empty while there is none."""
    lines = [line.text.decode(errors="replace") for _at, line in log_window(attempt, -TAIL_BYTES).lines()]
    return "\n".join(ESCAPES.sub("", line).rstrip() for line in lines[-LAST_LINES:])[-MOST_LETTERS:]


def search_words(text: str) -> str:
    """What to look for in the log: the last line of the message that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:120] if lines else ""
