"""One attempt from claim to exit file: prepare the code, launch, supervise, write down how it ended."""

import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jobs.engines.runner import claim as claims
from jobs.engines.runner import (
    command,
    environment,
    folder,
    launching,
    logpump,
    outcome,
    preparing,
    runscript,
)
from jobs.engines.runner.census import Census
from jobs.engines.runner.claim import Verdict
from jobs.engines.runner.command import Launch
from jobs.engines.runner.containers.base import Container
from jobs.engines.runner.containers.cgroup import CgroupContainer
from jobs.engines.runner.containers.namespace import NamespaceContainer
from jobs.engines.runner.containers.sweep import SweepContainer
from jobs.engines.runner.environment import JobEnvironment
from jobs.engines.runner.folder import RunFolder
from jobs.engines.runner.guard import Guard, post
from jobs.engines.runner.logpump import LogPump
from jobs.engines.runner.logstore import LogStore
from jobs.engines.runner.loop import Loop
from jobs.engines.runner.outcome import Ending, Outcome
from jobs.engines.runner.preparing import Preparation
from jobs.engines.runner.processes import Identity, become_subreaper
from jobs.engines.runner.recorder import Recorder
from jobs.engines.runner.spec import RunnerSpec


class CannotStart(Exception):
    """The user has to mend something first; the outcome holds the problems."""

    def __init__(self, *problems: Mapping[str, Any]) -> None:
        super().__init__(problems)
        self.problems = list(problems)


def run(root: Path) -> int:
    """Run the attempt in `root`. Returns 0, also for a duplicate; raises SpecUnreadable and OSError."""
    files = RunFolder(root)
    spec = RunnerSpec.from_json(folder.read_json(files.spec))
    if claims.claim(files.claim, spec.launch_id) is Verdict.DUPLICATE:
        print(f"duplicate suppressed: {spec.tag} was claimed before", flush=True)  # noqa: T201
        return 0
    secrets = _take_secrets(files)
    guard = post(root)
    become_subreaper()
    container = open_container(spec, guard)
    _introduce(files, spec, guard, container)
    Attempt(spec, files, container, guard, secrets).run()
    guard.dismiss()
    return 0


def open_container(spec: RunnerSpec, guard: Guard) -> Container:
    """The container that `spec.level` names; the next lower one where that cannot be made any more."""
    if spec.level == "cgroup" and spec.cgroup_parent:
        with contextlib.suppress(OSError):
            return CgroupContainer.create(Path(spec.cgroup_parent), spec.tag, spec.memory_bytes)
    if spec.own_processes_only:
        return NamespaceContainer()
    container = SweepContainer()
    container.spare(guard.pid)
    return container


def _take_secrets(files: RunFolder) -> dict[str, str]:
    """Read the secrets and delete their file: from here on they are only in memory."""
    secrets = folder.read_json(files.secrets) or {}
    files.secrets.unlink(missing_ok=True)
    return {name: value for name, value in secrets.items() if isinstance(value, str)}


def _introduce(files: RunFolder, spec: RunnerSpec, guard: Guard, container: Container) -> None:
    """runner.json: who works on this attempt, and how to reopen its container."""
    me = Identity.of(os.getpid())
    assert me is not None
    value = {
        **me.to_json(),
        "tag": spec.tag,
        "launch_id": spec.launch_id,
        "guard_pid": guard.pid,
        "container": container.to_json(),
    }
    folder.write_json(files.runner, value, durable=True)


@dataclass
class Attempt:
    """The work between claim and exit file."""

    spec: RunnerSpec
    files: RunFolder
    container: Container
    guard: Guard
    secrets: Mapping[str, str]

    def __post_init__(self) -> None:
        people = Census(self.container, self.spec.tag_variables, own=[self.guard.pid])
        self.store = LogStore(self.files.logs, self.spec.log_cap_bytes)
        self.pump = LogPump(self.store, self.spec.log_rate_bytes, self.secrets.values(), time.monotonic())
        self.recorder = Recorder(self.files)
        self.loop = Loop(self.spec, self.files, self.container, people, self.pump, self.store, self.recorder)
        self.environment = environment.build(self.spec, self.files, self.secrets)
        self.preparation = Preparation(cwd=self.files.work)

    def run(self) -> None:
        """To the end, whatever it is."""
        problems: list[Mapping[str, Any]] = []
        try:
            result = outcome.judge(self._launched())
        except CannotStart as error:
            problems = error.problems
            result = Outcome("failed", "cannot_start", {"problems": len(problems)})
            self.pump.remark("cannot start: " + "; ".join(str(p["code"]) for p in problems))
        self._write_exit(result, problems)
        self.container.remove()

    def _launched(self) -> Ending:
        launching.hand_over(self.spec, self.files)
        why = self.loop.check_orders() or self._prepare()
        if why is not None:
            return Ending(status=None, why=why)
        launch = command.plan(self.spec.command, self.spec.interpreter, self.spec.ranks)
        self._check(launch)
        if launch.is_rank:
            single = environment.single_rank()
            self.environment = replace(self.environment, open={**self.environment.open, **single})
        self._write_run_script(launch)
        return self._supervise(launch)

    def _prepare(self) -> str | None:
        """Fetch the code; why somebody stopped it meanwhile, None when it is ready. Raises CannotStart."""
        self.recorder.phase("preparing")
        if not preparing.is_needed(self.spec):
            return None
        request = preparing.request_of(self.spec, self.files)
        started = self._start(request.argv, self.files.work, request.environment(self.environment))
        status = self.loop.run(started, b"-")
        if self.loop.asked_to_stop:
            return self.loop.asked_to_stop
        self.preparation = preparing.result_of(self.files, status)
        self.recorder.note(code=dict(self.preparation.record))
        if self.preparation.problems:
            raise CannotStart(*self.preparation.problems)
        self._lend_trainer()
        return None

    def _lend_trainer(self) -> None:
        """Put our `trainer` package where the job can import it, unless it brings its own of that name."""
        if self.spec.library and (self.spec.is_trainer or not self.preparation.has_trainer):
            with contextlib.suppress(FileExistsError):
                (self.files.work / "lib" / "trainer").symlink_to(Path(self.spec.library) / "trainer")
        self.environment = environment.build(self.spec, self.files, self.secrets)

    def _check(self, launch: Launch) -> None:
        program, cwd = launch.argv[0], self.preparation.cwd
        if launching.find_program(program, cwd, self.environment.open["PATH"]) is None:
            pointer = "/environment/interpreter" if program == self.spec.interpreter else "/command/0"
            raise CannotStart(preparing.problem(pointer, "program_not_found", program=program))
        if launch.uses_torchrun and self.preparation.has_torch is False:
            interpreter = launch.argv[0]
            raise CannotStart(
                preparing.problem("/environment/interpreter", "torch_missing", interpreter=interpreter)
            )

    def _supervise(self, launch: Launch) -> Ending:
        ranks = self.spec.ranks if launch.uses_torchrun else 0
        self._open_rank_pipes(ranks)
        self.recorder.phase("launching")
        started = self._start(launch.argv, self.preparation.cwd, self.environment)
        if not ranks:
            self.recorder.phase("running")
        source = b"0" if launch.is_rank else b"-"
        status = self.loop.run(started, source, ranks, self.spec.time_limit_seconds)
        return Ending(
            status=status,
            why=self.loop.asked_to_stop,
            tail=self.pump.tail,
            uses_torchrun=launch.uses_torchrun,
            is_wrapped=started.is_wrapped,
            oom_kills=self.container.oom_kills() if isinstance(self.container, CgroupContainer) else 0,
        )

    def _start(self, argv: tuple[str, ...], cwd: Path, job_environment: JobEnvironment) -> launching.Started:
        try:
            started = launching.start(self.spec, self.files, self.container, argv, cwd, job_environment)
        except (OSError, KeyError) as error:
            raise CannotStart(preparing.problem("", "start_refused", detail=str(error))) from error
        # A namespace is known only now; the guard must be able to find it.
        _introduce(self.files, self.spec, self.guard, self.container)
        self.recorder.note(main_pid=started.process.pid, container=self.container.level)
        return started

    def _open_rank_pipes(self, ranks: int) -> None:
        try:
            pipes = logpump.make_rank_pipes(self.files.streams, ranks, launching.account(self.spec))
        except OSError as error:
            raise CannotStart(preparing.problem("", "start_refused", detail=str(error))) from error
        for rank, fd in pipes.items():
            self.loop.watch(fd, str(rank).encode())

    def _write_run_script(self, launch: Launch) -> None:
        variables = {**self.environment.open, **self.environment.inner}
        shown = {name: value for name, value in variables.items() if name not in self.secrets}
        for name in ("HOME", "USER", "LOGNAME", "SHELL", *self.spec.tag_variables, "DCP_STREAMS"):
            shown.pop(name, None)
        script = runscript.text(
            self.spec.tag, self.preparation.cwd, launch.by_hand, shown, sorted(self.secrets)
        )
        with contextlib.suppress(OSError):
            runscript.write(self.files.work / "run.sh", script)

    def _write_exit(self, result: Outcome, problems: list[Mapping[str, Any]]) -> None:
        """The last act. Tries for as long as the disk refuses: the end must not be lost."""
        value = {
            **result.to_json(),
            "problems": [dict(problem) for problem in problems],
            "started_at": self.recorder.started_at,
            "ended_at": folder.now(),
            "code": dict(self.preparation.record),
            "stop": self.loop.stop.summary() if self.loop.stop else None,
        }
        self.recorder.log_counts(self.store.counts)
        self.files.secrets.unlink(missing_ok=True)
        while True:
            try:
                folder.write_last_words(self.files, self.files.exit, value)
                return
            except OSError:
                time.sleep(1)
                self.recorder.beat(time.monotonic(), self.store.counts)
