"""The engine contract: what a scheduler asks of whatever runs the jobs, and the answers it gets.

Called by the scheduler loop, `doctor` and the tests; implemented by `local`, `slurm` and the fake of
the tests. Submit is at-least-once per tag, start is exactly-once (see `runner.claim`); an engine that
does not answer raises `EngineUnreachable` and says nothing about the jobs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from trainer.spec.problems import Problem


class EngineError(Exception):
    """Something between us and the engine failed; the state of its jobs is unchanged."""


class EngineUnreachable(EngineError):
    """The engine did not answer in time. Jobs keep the state they had."""


class NoRoom(EngineError):
    """The engine answers but cannot take an attempt at present, e.g. for a full disk. Try again later."""

    def __init__(self, reason: "Reason") -> None:
        self.reason = reason
        super().__init__(f"{reason.code} {dict(reason.params)}")


class UnknownTag(EngineError):
    """The engine has never heard of this attempt."""


class SubmitRefused(EngineError):
    """The engine will never start this request; `problems` point into the job's spec."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{problem.pointer}: {problem.code}" for problem in self.problems))


class State(StrEnum):
    """Where an attempt is, in our words. The last four are final and mean: no process is left."""

    PENDING = "pending"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def is_final(self) -> bool:
        return self in FINAL


FINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED, State.LOST})


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, as a code for `jobs.reasons`; the engine's own words stay beside it in the report."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CodeSource:
    """Where the program comes from. At most one of path, git and upload; none runs in an empty folder.

    path: folder on this machine; copied (without .git and ignored files) unless `in_place`.
    git: address, with `commit` None for the newest of the default branch.
    upload: archive on this machine (zip or tar), `upload_name` as the user named it.
    """

    path: Path | None = None
    in_place: bool = False
    git: str | None = None
    commit: str | None = None
    upload: Path | None = None
    upload_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchRequest:
    """Everything needed to start one attempt; complete, so that the database is not asked again.

    command: argv as the user wrote it, or None when `trainer_config` (the `train` section) is given.
    interpreter: python that replaces `python` in the command and runs torchrun.
    accelerator_uuids: exactly these are visible; empty means none (CUDA_VISIBLE_DEVICES="").
    env: the user's own variables. secrets: name -> value; reach the job as variables of that name,
    travel in a file of mode 0400 that the runner deletes, are masked in logs.
    resume_from: checkpoint folder of an earlier attempt. grace_seconds: SIGTERM to SIGKILL when the time
    limit strikes. run_as: unix account (needs a root engine); None keeps the portal's.
    """

    job_uid: str
    attempt: int
    run_dir: Path
    interpreter: Path
    command: tuple[str, ...] | None = None
    trainer_config: Mapping[str, Any] | None = None
    code: CodeSource = field(default_factory=CodeSource)
    ranks: int = 1
    accelerator_uuids: tuple[str, ...] = ()
    cpus: int | None = None
    memory_bytes: int | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    dataset_path: Path | None = None
    time_limit_seconds: float | None = None
    resume_from: Path | None = None
    grace_seconds: float = 30.0
    run_as: str | None = None
    log_cap_bytes: int = 256 * 2**20

    @property
    def tag(self) -> str:
        """`<job uid>.<attempt>`: the name under which an engine finds this attempt again."""
        return f"{self.job_uid}.{self.attempt}"


@dataclass(frozen=True, slots=True)
class Submission:
    """Answer to a submit: `engine_id` addresses the attempt from now on; `duplicate` = it was there."""

    engine_id: str
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """One process of an attempt. Times are aware UTC; `rank` is None for launchers and helpers.

    signalled: signal name -> when it was sent. `note` says why a process stays, e.g. "state D".
    """

    pid: int
    start_ticks: int
    name: str
    rank: int | None = None
    signalled: Mapping[str, datetime] = field(default_factory=dict)
    gone_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class StopProgress:
    """How far a stop is: asked, signalled, killed, and each process with the time it was gone."""

    requested_at: datetime
    grace_seconds: float
    why: str
    kill_due_at: datetime | None
    processes: tuple[ProcessInfo, ...] = ()

    @property
    def left(self) -> int:
        return sum(process.gone_at is None for process in self.processes)


@dataclass(frozen=True, slots=True)
class ClaimInfo:
    """Who won the right to start this attempt: engine-side id and restart count."""

    engine_id: str
    restart_count: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class CodeRecord:
    """What ran: commit and whether files differed from it, hash of the files, their number and bytes."""

    kind: str
    commit: str | None = None
    is_dirty: bool | None = None
    sha256: str | None = None
    num_files: int | None = None
    size_bytes: int | None = None
    diff_file: str | None = None


@dataclass(frozen=True, slots=True)
class EngineReport:
    """What an engine knows of one attempt. Unknown is None.

    phase: finer than state while starting (`preparing`, `launching`). exit_code: of the launched program,
    None when a signal ended it. raw_state and raw_reason: the engine's own words. problems: what the user
    must mend when a start failed, pointing into the spec. rank_exits: exit code by rank where torchrun
    named it (negative = signal). container: how processes are held together (see `Probe.level`).
    """

    tag: str
    engine_id: str
    state: State
    reason: Reason | None = None
    phase: str | None = None
    raw_state: str = ""
    raw_reason: str = ""
    exit_code: int | None = None
    signal: int | None = None
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    heartbeat_at: datetime | None = None
    processes: tuple[ProcessInfo, ...] = ()
    stop: StopProgress | None = None
    claim: ClaimInfo | None = None
    container: str | None = None
    cgroup: str | None = None
    code: CodeRecord | None = None
    problems: tuple[Problem, ...] = ()
    rank_exits: Mapping[int, int] = field(default_factory=dict)
    log_bytes: int | None = None
    log_dropped_bytes: int | None = None
    nodes: tuple[str, ...] = ()
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class LogChunk:
    """A window of the log. Offsets count all bytes ever written, so they survive rotation.

    data: whole lines, raw bytes (see `runner.loglines` for their form). next_offset: where to go on.
    dropped_bytes: bytes between the asked offset and `offset` that rotation removed.
    """

    offset: int
    data: bytes
    next_offset: int
    end_offset: int
    dropped_bytes: int = 0


@dataclass(frozen=True, slots=True)
class EngineNode:
    """A machine the engine can launch on. Accelerators come from inventory, not from here."""

    name: str
    boot_id: str | None
    cpus: int
    memory_bytes: int
    runs_free_bytes: int | None
    is_launchable: bool = True
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """What an engine can do here and now, for `doctor`, the settings page and admission.

    level: `cgroup`, `namespace` or `sweep` for the local engine: how surely a job can be killed whole.
    is_isolated: False at the lowest level, where only admins may launch. masks_data: whether jobs cannot
    see the portal's data folder. limits: which of `memory`, `processes` are enforced. notes: codes.
    """

    engine: str
    version: str
    is_available: bool
    level: str | None = None
    is_isolated: bool = True
    masks_data: bool = False
    can_run_as: bool = False
    limits: tuple[str, ...] = ()
    notes: tuple[Reason, ...] = ()


class Engine(Protocol):
    """What every engine does. Methods may block for seconds at most and raise `EngineUnreachable` then."""

    name: str

    def probe(self) -> Probe:
        """Capabilities and limits, found out by trying."""
        ...

    def submit(self, tag: str, spec: LaunchRequest) -> Submission:
        """Start this attempt, or find it when the tag was submitted before.

        Raises SubmitRefused (never) and NoRoom (not now).
        """
        ...

    def find(self, tag: str) -> EngineReport | None:
        """The attempt by tag, None when the engine never got it."""
        ...

    def poll_all(self, since: datetime | None = None) -> dict[str, EngineReport]:
        """Tag -> report of every live attempt, and of those that ended after `since` (None: all kept)."""
        ...

    def cancel(self, engine_id: str, grace_seconds: float, why: str = "cancelled") -> EngineReport:
        """Ask for the end; call again with less grace to hurry. Done only when the report is final."""
        ...

    def logs(self, engine_id: str, offset: int, limit: int = 65536, rank: str | None = None) -> LogChunk:
        """Whole lines from `offset` on; negative counts from the end. `rank` picks one rank's lines."""
        ...

    def nodes(self) -> list[EngineNode]:
        """Machines this engine launches on."""
        ...

    def adopt(self, engine_id: str) -> EngineReport:
        """Take up an attempt started by an earlier scheduler. Raises UnknownTag."""
        ...
