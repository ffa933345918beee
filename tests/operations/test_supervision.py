"""The supervisor on real processes: restarts with growing pauses, stops its own, leaves everything else."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dcportal.operations.supervision import PAUSES_SECONDS, Program, Supervisor, cut_if_long

DEADLINE_SECONDS = 20.0


class Clock:
    """A monotonic clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def eventually(question: Callable[[], object]) -> None:
    """Poll until the answer is yes; a deadline turns never into a failure."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not question():
        assert time.monotonic() < deadline, "did not happen"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervise(tmp_path: Path, clock: Clock, said: list[str]) -> Iterator[Callable[..., Supervisor]]:
    """`supervise("shell script", ...)`: a supervisor of these, stopped at the end of the test."""
    made: list[Supervisor] = []

    def make(*scripts: str, kept: bool = True) -> Supervisor:
        programs = [
            Program(f"program {i}", ["sh", "-c", script], tmp_path / f"{i}.log", kept=kept)
            for i, script in enumerate(scripts)
        ]
        made.append(Supervisor(programs, said.append, clock))
        return made[-1]

    yield make
    for supervisor in made:
        supervisor.stop()


def test_a_dead_program_is_started_again_after_a_pause(
    supervise: Callable[..., Supervisor], clock: Clock, said: list[str]
) -> None:
    supervisor = supervise("exec sleep 60")
    supervisor.tick()
    (child,) = supervisor.children
    first = child.process
    assert first is not None
    first.kill()
    first.wait()

    supervisor.tick()
    assert child.process is None
    clock.now += PAUSES_SECONDS[0]
    supervisor.tick()

    assert child.process is not None
    assert child.process.pid != first.pid
    assert "killed by SIGKILL" in said[0]


def test_pauses_grow_while_it_keeps_dying(supervise: Callable[..., Supervisor], clock: Clock) -> None:
    supervisor = supervise("exit 3")
    (child,) = supervisor.children
    pauses = []
    for _ in range(len(PAUSES_SECONDS) + 1):
        supervisor.tick()
        assert child.process is not None
        child.process.wait()
        supervisor.tick()
        pauses.append(child.due_at - clock.now)
        clock.now = child.due_at

    assert pauses == pytest.approx([*PAUSES_SECONDS, PAUSES_SECONDS[-1]])


def test_a_long_healthy_run_forgives_earlier_deaths(
    supervise: Callable[..., Supervisor], clock: Clock
) -> None:
    supervisor = supervise("exec sleep 60")
    (child,) = supervisor.children
    child.failures = 5
    supervisor.tick()
    clock.now += 3600
    assert child.process is not None
    child.process.kill()
    child.process.wait()

    supervisor.tick()

    assert child.due_at - clock.now == PAUSES_SECONDS[0]


def test_a_program_that_runs_once_is_not_started_again(
    supervise: Callable[..., Supervisor], clock: Clock, said: list[str]
) -> None:
    supervisor = supervise("exit 1", kept=False)
    supervisor.tick()
    (child,) = supervisor.children
    assert child.process is not None
    child.process.wait()

    supervisor.tick()

    assert supervisor.children == []
    assert said == []


def test_a_program_bound_to_a_file_runs_while_it_is_there(
    tmp_path: Path, clock: Clock, said: list[str]
) -> None:
    token = tmp_path / "token"
    program = Program("demo", ["sleep", "60"], tmp_path / "log", while_exists=token)
    supervisor = Supervisor([program], said.append, clock)
    (child,) = supervisor.children

    supervisor.tick()
    assert not child.is_running
    token.touch()
    supervisor.tick()
    assert child.is_running
    token.unlink()
    supervisor.tick()

    assert not child.is_running
    assert said == []


def test_a_changed_file_starts_its_program_afresh(tmp_path: Path, clock: Clock, said: list[str]) -> None:
    token = tmp_path / "token"
    token.touch()
    program = Program("demo", ["sleep", "60"], tmp_path / "log", while_exists=token)
    supervisor = Supervisor([program], said.append, clock)
    (child,) = supervisor.children
    supervisor.tick()
    first = child.process
    os.utime(token, ns=(1, 1))

    supervisor.tick()
    supervisor.tick()

    assert first is not None
    assert first.poll() is not None
    assert child.is_running
    supervisor.stop()


def test_what_a_program_left_in_a_session_of_its_own_goes_on(
    supervise: Callable[..., Supervisor], tmp_path: Path
) -> None:
    file = tmp_path / "runner.pid"
    supervisor = supervise(
        f"setsid sh -c 'echo $$ > {file}.new; mv {file}.new {file}; exec sleep 60' & exec sleep 60"
    )
    supervisor.tick()
    eventually(file.exists)
    runner = int(file.read_text())

    supervisor.stop()

    try:
        assert is_alive(runner)
    finally:
        os.kill(runner, signal.SIGKILL)


def test_stop_kills_what_ignores_sigterm(
    supervise: Callable[..., Supervisor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dcportal.operations.supervision.STOP_SECONDS", 0.2)
    supervisor = supervise(f"trap '' TERM; touch {tmp_path}/ready; while :; do sleep 0.1; done")
    supervisor.tick()
    eventually((tmp_path / "ready").exists)
    (child,) = supervisor.children
    assert child.process is not None

    supervisor.stop()

    assert child.process.returncode == -signal.SIGKILL


def test_programs_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    code = (
        "from dcportal.operations.supervision import *\n"
        f"Supervisor([Program('p', ['sh', '-c', 'echo $$ > {tmp_path}/pid; exec sleep 60'], "
        f"Path('{tmp_path}/log'))], print).run()"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code])
    file = tmp_path / "pid"
    eventually(lambda: file.exists() and file.read_text().endswith("\n"))
    program = int(file.read_text())

    supervisor.kill()
    supervisor.wait()

    eventually(lambda: not is_alive(program))


def test_sigterm_stops_the_programs_and_ends_the_supervisor(tmp_path: Path) -> None:
    code = (
        "from dcportal.operations.supervision import *\n"
        f"Supervisor([Program('p', ['sh', '-c', 'echo $$ > {tmp_path}/pid; exec sleep 60'], "
        f"Path('{tmp_path}/log'))], print).run()\nprint('ended in order')"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    file = tmp_path / "pid"
    eventually(lambda: file.exists() and file.read_text().endswith("\n"))

    supervisor.terminate()
    output, _ = supervisor.communicate(timeout=DEADLINE_SECONDS)

    assert "ended in order" in output
    assert not is_alive(int(file.read_text()))


def test_the_last_words_of_a_dead_program_are_told(
    supervise: Callable[..., Supervisor], said: list[str]
) -> None:
    supervisor = supervise("echo the disk is full; echo; exit 74")
    supervisor.tick()
    (child,) = supervisor.children
    assert child.process is not None
    child.process.wait()

    supervisor.tick()

    assert "exit code 74" in said[0]
    assert said[0].endswith("the disk is full")


def test_a_long_log_keeps_one_older_generation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcportal.operations.supervision.LOG_BYTES", 10)
    log = tmp_path / "web.log"
    log.write_text("x" * 11)

    cut_if_long(log)

    assert log.read_text() == ""
    assert (tmp_path / "web.old.log").read_text() == "x" * 11
