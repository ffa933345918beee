"""An engine without processes that keeps the contract: lifecycles by script, faults on request.

Attempts live in `FakeCluster`, as they would outside the portal, so a test can throw the engine away, make
another on the same cluster, and find its jobs again. Nothing moves until a test says so.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from jobs.engines.base import (
    ClaimInfo,
    EngineNode,
    EngineReport,
    EngineUnreachable,
    LaunchRequest,
    LogChunk,
    Probe,
    ProcessInfo,
    Reason,
    State,
    StopProgress,
    Submission,
    SubmitRefused,
    UnknownTag,
)
from jobs.engines.runner.loglines import formed, source_of, stamp
from trainer.spec.problems import Problem

T0 = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@dataclass
class FakeCluster:
    """What goes on outside the portal. `now` moves by a second with each `advance`.

    starts: tag -> how often its processes were started (more than once is a bug of the caller's).
    """

    now: datetime = T0
    reports: dict[str, EngineReport] = field(default_factory=dict)
    requests: dict[str, LaunchRequest] = field(default_factory=dict)
    logs: dict[str, bytes] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    stubborn: set[str] = field(default_factory=set)
    submits: list[str] = field(default_factory=list)
    cancels: list[tuple[str, float, str]] = field(default_factory=list)

    def advance(self, steps: int = 1) -> None:
        """One second each: pending becomes starting, starting running, stopping ended unless stubborn."""
        for _ in range(steps):
            self.now += timedelta(seconds=1)
            for tag, report in list(self.reports.items()):
                self._move(tag, report)

    def run_to(self, tag: str, state: State) -> EngineReport:
        """Advance until the attempt is in `state`."""
        for _ in range(10):
            if self.reports[tag].state is state:
                return self.reports[tag]
            self.advance()
        raise AssertionError(f"{tag} never reached {state}: {self.reports[tag]}")

    def finish(self, tag: str, exit_code: int = 0) -> None:
        """The program ends by itself."""
        if exit_code == 0:
            self._end(tag, State.SUCCEEDED, None, exit_code)
        else:
            self._end(tag, State.FAILED, Reason("exit_code", {"exit_code": exit_code}), exit_code)

    def forget(self, tag: str) -> None:
        """The engine loses its record of the attempt, as after a purge."""
        del self.reports[tag]

    def release(self, tag: str) -> None:
        """The process that would not die is gone."""
        self.stubborn.discard(tag)

    def log(self, tag: str, text: str, rank: str = "0") -> None:
        """Write one line to the attempt's log."""
        line = formed(stamp(self.now.timestamp()), rank.encode(), text.encode())
        self.logs[tag] = self.logs.get(tag, b"") + line

    def live(self) -> set[str]:
        """Tags whose processes exist."""
        return {tag for tag, report in self.reports.items() if not report.state.is_final}

    def _move(self, tag: str, report: EngineReport) -> None:
        if report.state is State.PENDING:
            self._start(tag, report)
        elif report.state is State.STARTING:
            self.reports[tag] = replace(report, state=State.RUNNING, phase="running", started_at=self.now)
        elif report.state is State.STOPPING and tag not in self.stubborn:
            why = report.stop.why if report.stop else "cancelled"
            self._end(tag, State.CANCELLED, Reason(why), None)

    def _start(self, tag: str, report: EngineReport) -> None:
        self.starts[tag] = self.starts.get(tag, 0) + 1
        ranks = range(self.requests[tag].ranks)
        self.reports[tag] = replace(
            report,
            state=State.STARTING,
            phase="launching",
            claim=ClaimInfo(f"fake-{tag}", 0, self.now),
            processes=tuple(ProcessInfo(1000 + rank, 1, f"rank {rank}", rank) for rank in ranks),
        )

    def _end(self, tag: str, state: State, reason: Reason | None, exit_code: int | None) -> None:
        report = self.reports[tag]
        stop = report.stop
        if stop is not None:
            gone = tuple(replace(process, gone_at=self.now) for process in stop.processes)
            stop = replace(stop, processes=gone)
        self.reports[tag] = replace(
            report,
            state=state,
            reason=reason,
            exit_code=exit_code,
            ended_at=self.now,
            processes=(),
            stop=stop,
        )


@dataclass
class FakeEngine:
    """`Engine` over a FakeCluster. Faults:

    is_unreachable: every call fails. lose_next_reply: the next submit is carried out, its answer lost.
    refusals: problems with which the next submit is refused.
    """

    cluster: FakeCluster = field(default_factory=FakeCluster)
    name: str = "local"
    nodes_here: tuple[EngineNode, ...] = (EngineNode("fake1", "boot1", 64, 2**38, 2**40),)
    level: str = "cgroup"
    is_unreachable: bool = False
    lose_next_reply: bool = False
    refusals: tuple[Problem, ...] = ()
    calls: list[str] = field(default_factory=list)

    def probe(self) -> Probe:
        self._reach("probe")
        return Probe(self.name, "fake", True, level=self.level, is_isolated=self.level != "sweep")

    def submit(self, tag: str, spec: LaunchRequest) -> Submission:
        self._reach("submit")
        if self.refusals:
            problems, self.refusals = self.refusals, ()
            raise SubmitRefused(problems)
        known = tag in self.cluster.reports
        if not known:
            self.cluster.submits.append(tag)
            self.cluster.requests[tag] = spec
            self.cluster.reports[tag] = self._fresh(tag)
        if self.lose_next_reply:
            self.lose_next_reply = False
            raise EngineUnreachable("the answer was lost")
        return Submission(tag, duplicate=known)

    def find(self, tag: str) -> EngineReport | None:
        self._reach("find")
        return self.cluster.reports.get(tag)

    def poll_all(self, since: datetime | None = None) -> dict[str, EngineReport]:
        self._reach("poll_all")
        return {
            tag: report
            for tag, report in self.cluster.reports.items()
            if since is None or report.ended_at is None or report.ended_at >= since
        }

    def cancel(self, engine_id: str, grace_seconds: float, why: str = "cancelled") -> EngineReport:
        self._reach("cancel")
        report = self._known(engine_id)
        self.cluster.cancels.append((engine_id, grace_seconds, why))
        if report.state.is_final:
            return report
        stop = report.stop or StopProgress(
            self.cluster.now,
            grace_seconds,
            why,
            self.cluster.now + timedelta(seconds=grace_seconds),
            report.processes,
        )
        stopping = replace(report, state=State.STOPPING, phase="stopping", stop=stop)
        self.cluster.reports[engine_id] = stopping
        return stopping

    def logs(self, engine_id: str, offset: int, limit: int = 65536, rank: str | None = None) -> LogChunk:
        self._reach("logs")
        self._known(engine_id)
        whole = self.cluster.logs.get(engine_id, b"")
        start = max(0, len(whole) + offset) if offset < 0 else min(offset, len(whole))
        data = whole[start : start + limit]
        data = data[: data.rfind(b"\n") + 1] or whole[start : whole.find(b"\n", start) + 1]
        next_offset = start + len(data)
        if rank is not None:
            lines = data.splitlines(keepends=True)
            data = b"".join(line for line in lines if source_of(line) == rank.encode())
        return LogChunk(start, data, next_offset, len(whole))

    def nodes(self) -> list[EngineNode]:
        self._reach("nodes")
        return list(self.nodes_here)

    def adopt(self, engine_id: str) -> EngineReport:
        self._reach("adopt")
        return self._known(engine_id)

    def _fresh(self, tag: str) -> EngineReport:
        nodes = tuple(node.name for node in self.nodes_here[:1])
        return EngineReport(tag, tag, State.PENDING, submitted_at=self.cluster.now, nodes=nodes)

    def _known(self, tag: str) -> EngineReport:
        if tag not in self.cluster.reports:
            raise UnknownTag(tag)
        return self.cluster.reports[tag]

    def _reach(self, call: str) -> None:
        self.calls.append(call)
        if self.is_unreachable:
            raise EngineUnreachable(f"{self.name} does not answer")
