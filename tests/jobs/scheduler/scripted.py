"""An engine of which the test decides everything: what starts, ends, answers late or not at all."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from jobs.engines.base import (
    EngineNode,
    EngineReport,
    EngineUnreachable,
    LaunchRequest,
    Probe,
    ProcessInfo,
    Reason,
    State,
    StopProgress,
    Submission,
    SubmitRefused,
)
from trainer.spec.problems import Problem

T0 = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)


@dataclass
class ScriptedEngine:
    """Keeps attempts by tag and counts starts. `lose_reply`: takes the next submit, then does not answer."""

    name: str = "fake"
    reports: dict[str, EngineReport] = field(default_factory=dict)
    requests: dict[str, LaunchRequest] = field(default_factory=dict)
    starts: list[str] = field(default_factory=list)
    cancels: list[tuple[str, str]] = field(default_factory=list)
    is_down: bool = False
    lose_reply: bool = False
    refuse: bool = False
    polls: int = 0

    def _answer(self) -> None:
        if self.is_down:
            raise EngineUnreachable("no answer")

    def probe(self) -> Probe:
        self._answer()
        return Probe(engine=self.name, version="1", is_available=True)

    def submit(self, tag: str, spec: LaunchRequest) -> Submission:
        self._answer()
        if self.refuse:
            raise SubmitRefused([Problem("/code/path", "no_such_folder", {"path": "/x"})])
        if tag in self.reports:
            return Submission(f"id-{tag}", duplicate=True)
        self.requests[tag] = spec
        self.starts.append(tag)
        self.reports[tag] = EngineReport(tag=tag, engine_id=f"id-{tag}", state=State.PENDING)
        if self.lose_reply:
            self.lose_reply = False
            raise EngineUnreachable("the reply was lost")
        return Submission(f"id-{tag}")

    def find(self, tag: str) -> EngineReport | None:
        self._answer()
        return self.reports.get(tag)

    def poll_all(self, since: datetime | None = None) -> dict[str, EngineReport]:
        self._answer()
        self.polls += 1
        return dict(self.reports)

    def cancel(self, engine_id: str, grace_seconds: float, why: str = "cancelled") -> EngineReport:
        self._answer()
        tag = engine_id.removeprefix("id-")
        self.cancels.append((tag, why))
        if self.reports[tag].state.is_final:
            return self.reports[tag]
        self.becomes(tag, State.STOPPING, stop=StopProgress(T0, grace_seconds, why, None))
        return self.reports[tag]

    def logs(self, engine_id: str, offset: int, limit: int = 65536, rank: str | None = None) -> Any:
        raise NotImplementedError

    def nodes(self) -> list[EngineNode]:
        self._answer()
        return []

    def adopt(self, engine_id: str) -> EngineReport:
        return self.reports[engine_id.removeprefix("id-")]

    # What the test says.
    def becomes(self, tag: str, state: State, code: str | None = None, **changes: Any) -> None:
        """The attempt is now in `state`."""
        told = Reason(code, changes.pop("params", {})) if code else None
        self.reports[tag] = replace(self.reports[tag], state=state, reason=told, **changes)

    def ends(self, tag: str, exit_code: int = 0, state: State | None = None, **changes: Any) -> None:
        """The attempt is over and no process is left."""
        final = state or (State.SUCCEEDED if exit_code == 0 else State.FAILED)
        self.becomes(tag, final, exit_code=exit_code, **changes)

    def forgets(self, tag: str) -> None:
        del self.reports[tag]


def process(pid: int, gone_at: datetime | None = None, **signalled: datetime) -> ProcessInfo:
    return ProcessInfo(pid=pid, start_ticks=1, name="python", gone_at=gone_at, signalled=signalled)
