"""Why an attempt ended, and what becomes of its job: pure functions of what is known at the end.

The job's own `error` and `end` events say more than exit codes, which torchrun flattens to 1; what the
runner saw itself (time limit, memory kill, a signal from outside) stands above both.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dcportal.common.reasons import reason
from jobs.engines.base import EngineReport, State
from jobs.engines.runner.outcome import EXIT_REASONS
from jobs.states import AttemptState, Desired, JobState

REQUEUE_LIMIT = 5
FIRST_RETRY_SECONDS = 10.0
LONGEST_RETRY_SECONDS = 300.0

_FINAL = {
    State.SUCCEEDED: AttemptState.SUCCEEDED,
    State.FAILED: AttemptState.FAILED,
    State.CANCELLED: AttemptState.CANCELLED,
    State.LOST: AttemptState.LOST,
}
# Starting again from the last checkpoint would end the same way.
_POINTLESS = frozenset(
    {
        "bad_config_or_data",
        "diverged",
        "time_limit",
        "engine_refused",
        "secret_unreadable",
        "no_such_upload",
        "needs_isolation",
        "command_not_found",
        "command_not_executable",
    }
)
# Said by whoever watched the processes; the job itself cannot know better.
_SEEN_FROM_OUTSIDE = frozenset({"time_limit", "killed_for_memory", "node_shutdown", "runner_died"})


@dataclass(frozen=True, slots=True)
class Ending:
    """What is known when an attempt is over. `told`: cause from the job's own events, None without."""

    report: EngineReport
    told: dict[str, Any] | None
    desired: str
    was_asked_to_stop: bool
    stopped_by: str
    preempted_for: str
    retries_used: int
    max_retries: int
    requeues_used: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Final state of the attempt, next state of the job, and the causes stored with each."""

    attempt_state: AttemptState
    job_state: JobState
    cause: dict[str, Any]
    retries_used: int
    requeues_used: int
    retry_at: datetime | None = None


def judge(ending: Ending, now: datetime) -> Verdict:
    """The verdict on an ended attempt and its job."""
    state = attempt_state(ending)
    cause = cause_of(ending, state)
    if ending.desired == Desired.STOP and state is not AttemptState.SUCCEEDED:
        return _verdict(ending, state, JobState.CANCELLED, cause)
    if state is AttemptState.SUCCEEDED:
        return _verdict(ending, state, JobState.SUCCEEDED, cause)
    if state in (AttemptState.LOST, AttemptState.PREEMPTED):
        return _requeued(ending, state, cause, now)
    if state is AttemptState.FAILED:
        return _retried(ending, state, cause, now)
    return _verdict(ending, state, JobState.CANCELLED, cause)


def attempt_state(ending: Ending) -> AttemptState:
    """Cancelled by us or by somebody at the engine, interrupted, lost, or its own end."""
    state = _FINAL[ending.report.state]
    if ending.preempted_for and state is AttemptState.CANCELLED:
        return AttemptState.PREEMPTED
    resumable = ending.report.exit_code == 75 or _code(ending.told) == "stopped_resumable"
    if resumable and not ending.was_asked_to_stop and state is not AttemptState.SUCCEEDED:
        return AttemptState.PREEMPTED
    return state


def cause_of(ending: Ending, state: AttemptState) -> dict[str, Any]:
    """The most telling cause that is known."""
    seen = ending.report.reason
    if state is AttemptState.SUCCEEDED:
        return reason("done")
    if state is AttemptState.PREEMPTED and ending.preempted_for:
        return reason("preempted", job=ending.preempted_for)
    if ending.desired == Desired.STOP and ending.was_asked_to_stop:
        return reason("cancelled", by=ending.stopped_by)
    if seen is not None and seen.code in _SEEN_FROM_OUTSIDE:
        return reason(seen.code, **dict(seen.params))
    if ending.told is not None:
        return ending.told
    if ending.report.problems:
        first = ending.report.problems[0]
        return reason(first.code, **{**first.params, "pointer": first.pointer})
    return _from_exit(ending.report)


def _from_exit(report: EngineReport) -> dict[str, Any]:
    if report.reason is not None:
        return reason(report.reason.code, **dict(report.reason.params))
    if report.signal is not None:
        return reason("signal", signal=report.signal, name=f"SIG{report.signal}")
    if report.exit_code in EXIT_REASONS:
        return reason(EXIT_REASONS[report.exit_code], exit_code=report.exit_code)
    if report.exit_code is not None:
        return reason("exit_code", exit_code=report.exit_code)
    return reason("engine_lost" if report.state is State.LOST else "unknown")


def _code(told: dict[str, Any] | None) -> str | None:
    return told["code"] if told else None


def _retried(ending: Ending, state: AttemptState, cause: dict[str, Any], now: datetime) -> Verdict:
    is_pointless = cause["code"] in _POINTLESS or bool(ending.report.problems)
    if is_pointless or ending.retries_used >= ending.max_retries:
        return _verdict(ending, state, JobState.FAILED, cause)
    delay = min(FIRST_RETRY_SECONDS * 2**ending.retries_used, LONGEST_RETRY_SECONDS)
    at = now + timedelta(seconds=delay)
    return Verdict(state, JobState.QUEUED, cause, ending.retries_used + 1, ending.requeues_used, at)


def _requeued(ending: Ending, state: AttemptState, cause: dict[str, Any], now: datetime) -> Verdict:
    """Lost and interrupted attempts are not the job's fault and cost no retry, up to a limit."""
    if ending.requeues_used >= REQUEUE_LIMIT:
        return _verdict(ending, state, JobState.FAILED, reason("requeue_limit", count=ending.requeues_used))
    return Verdict(state, JobState.QUEUED, cause, ending.retries_used, ending.requeues_used + 1, now)


def _verdict(ending: Ending, state: AttemptState, job: JobState, cause: dict[str, Any]) -> Verdict:
    return Verdict(state, job, cause, ending.retries_used, ending.requeues_used)
