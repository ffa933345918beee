"""How an attempt ended, as state and reason code, from what the runner saw.

torchrun flattens the exit codes of its ranks to 1; where its closing report names the first rank that
failed, that rank's code is taken. Event lines of the job itself say more and are the follower's business.
"""

import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# The exit codes a job may use to say what happened (sysexits' numbers where they fit).
EXIT_REASONS = {
    65: "bad_config_or_data",
    70: "user_error",
    71: "diverged",
    72: "out_of_memory",
    74: "storage_failed",
    75: "stopped_resumable",
    126: "command_not_executable",
    127: "command_not_found",
}
_RANK_REPORT = re.compile(rb"rank\s+: (\d+) [^\n]*\n\s*exitcode\s+: (-?\d+)")
_ROOT_CAUSE = b"Root Cause"


@dataclass(frozen=True, slots=True)
class Ending:
    """status: raw wait status of the program, None when it never started. why: of a stop that was asked
    for, None when it ended by itself. tail: last output of the launcher. is_wrapped: a wrapper turned a
    signal into 128+n."""

    status: int | None
    why: str | None = None
    tail: bytes = b""
    uses_torchrun: bool = False
    is_wrapped: bool = False
    oom_kills: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What exit.json says first."""

    state: str
    code: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    signal: int | None = None
    rank_exits: Mapping[int, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        reason = {"code": self.code, "params": dict(self.params)} if self.code else None
        return {
            "state": self.state,
            "reason": reason,
            "exit_code": self.exit_code,
            "signal": self.signal,
            "rank_exits": {str(rank): code for rank, code in self.rank_exits.items()},
        }


def judge(ending: Ending) -> Outcome:
    """State and reason of an attempt of which no process is left."""
    exit_code, number = split(ending.status, ending.is_wrapped)
    ranks = rank_exits(ending.tail) if ending.uses_torchrun else {}
    seen: dict[str, Any] = {"exit_code": exit_code, "signal": number, "rank_exits": ranks}
    if ending.why is not None:
        state, code = _of_stop(ending.why)
        return Outcome(state, code, **seen)
    if exit_code == 0:
        return Outcome("succeeded", **seen)
    if ending.oom_kills:
        return Outcome("failed", "killed_for_memory", {"kills": ending.oom_kills}, **seen)
    return Outcome("failed", *_of_program(exit_code, number, first_failure(ending.tail, ranks)), **seen)


def split(status: int | None, is_wrapped: bool) -> tuple[int | None, int | None]:
    """(exit code, signal) of a wait status; exactly one is not None unless there is no status."""
    if status is None:
        return None, None
    if status & 0x7F:
        return None, status & 0x7F
    code = status >> 8
    return (None, code - 128) if is_wrapped and 128 < code < 128 + 65 else (code, None)


def rank_exits(tail: bytes) -> dict[int, int]:
    """Exit code by rank, as far as torchrun's closing report names them; negative = signal."""
    return {int(rank): int(code) for rank, code in _RANK_REPORT.findall(tail)}


def first_failure(tail: bytes, ranks: Mapping[int, int]) -> tuple[int, int] | None:
    """(rank, exit code) that torchrun calls the root cause."""
    found = _RANK_REPORT.search(tail, max(0, tail.rfind(_ROOT_CAUSE)))
    return (int(found[1]), int(found[2])) if found and ranks else None


def _of_stop(why: str) -> tuple[str, str]:
    if why in ("time_limit", "node_shutdown"):
        return "failed", why
    return ("lost", why) if why == "runner_died" else ("cancelled", why)


def _of_program(
    exit_code: int | None, number: int | None, first: tuple[int, int] | None
) -> tuple[str, dict[str, Any]]:
    who: dict[str, Any] = {}
    if first is not None:
        who = {"rank": first[0]}
        exit_code, number = (None, -first[1]) if first[1] < 0 else (first[1], None)
    if number is not None:
        return "signal", {"signal": number, "name": _signal_name(number), **who}
    assert exit_code is not None
    return EXIT_REASONS.get(exit_code, "exit_code"), {"exit_code": exit_code, **who}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"
