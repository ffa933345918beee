"""Nothing of an attempt outlives its end: daemons, deserters, dead runners, time limits."""

import os
import pickle
import secrets
import signal
import subprocess
import sys
import time

from jobs.engines.base import State
from jobs.engines.local.engine import LocalEngine
from jobs.engines.runner import processes
from tests.jobs.engines import programs
from tests.jobs.engines.conftest import carrying


def sleepers(argument: str) -> set[int]:
    """Living processes with `argument` on their command line."""
    stats = processes.everything().values()
    return {s.pid for s in stats if not s.is_gone and argument in processes.name(s.pid, limit=10_000)}


def test_a_daemon_that_ignores_term_is_gone_before_cancelled_is_said(any_bench):
    tag = any_bench.python("jobaaa", programs.DAEMON)
    any_bench.until_logged(tag, b"up")
    assert len(carrying(tag)) >= 2
    any_bench.engine.cancel(tag, 0.3)
    report = any_bench.end_of(tag)
    assert report.state is State.CANCELLED
    assert carrying(tag) == set()
    assert report.stop.left == 0
    stubborn = [process for process in report.stop.processes if "SIGKILL" in process.signalled]
    assert all(process.gone_at is not None and process.name for process in stubborn)
    assert len(stubborn) >= 2


def test_a_daemon_without_its_tag_is_found_all_the_same(any_bench):
    mark = secrets.token_hex(8)
    tag = any_bench.launch("jobaaa", "python", "-c", programs.UNTAGGED_DAEMON, mark)
    any_bench.until_logged(tag, b"up")
    assert sleepers(mark)
    any_bench.engine.cancel(tag, 0.2)
    any_bench.end_of(tag)
    assert sleepers(mark) == set()


def test_a_daemon_left_by_a_program_that_ended_well_is_ended_too(any_bench):
    tag = any_bench.python("jobaaa", programs.LEAVES_A_DAEMON)
    report = any_bench.end_of(tag)
    assert (report.state, report.exit_code) == (State.SUCCEEDED, 0)
    assert carrying(tag) == set()
    # A namespace takes its daemons along before anybody has to ask.
    assert report.stop is None or report.stop.why == "left_over"


def test_the_time_limit_stops_and_says_so(bench):
    tag = bench.python("jobaaa", programs.DAEMON, time_limit_seconds=0.5, grace_seconds=0.2)
    report = bench.end_of(tag)
    assert (report.state, report.reason.code) == (State.FAILED, "time_limit")
    assert carrying(tag) == set()


def test_a_killed_runner_takes_its_job_along(any_bench):
    tag = any_bench.python("jobaaa", programs.DAEMON)
    any_bench.until_logged(tag, b"up")
    os.kill(any_bench.runner_pid(tag), signal.SIGKILL)
    report = any_bench.end_of(tag)
    assert (report.state, report.reason.code) == (State.LOST, "runner_died")
    assert carrying(tag) == set()


def test_the_engine_clears_up_when_guard_and_runner_were_killed(any_bench):
    tag = any_bench.python("jobaaa", programs.DAEMON)
    any_bench.until_logged(tag, b"up")
    pid = any_bench.runner_pid(tag)
    guards = processes.tagged({"DCP_RUNNER": tag}, processes.everything()) - {pid}
    for victim in (*guards, pid):
        os.kill(victim, signal.SIGKILL)
    report = any_bench.end_of(tag)
    assert (report.state, report.reason.code) == (State.LOST, "runner_died")
    assert carrying(tag) == set()


def test_a_runner_killed_during_a_cancel_still_ends_as_cancelled(bench):
    tag = bench.python("jobaaa", programs.DAEMON)
    bench.until_logged(tag, b"up")
    bench.engine.cancel(tag, 600)
    os.kill(bench.runner_pid(tag), signal.SIGKILL)
    assert bench.end_of(tag).state is State.CANCELLED
    assert carrying(tag) == set()


def test_the_runner_is_nobodys_child_here(bench):
    tag = bench.python("jobaaa", programs.WAITS)
    pid = bench.runner_pid(tag)
    assert pid not in processes.descendants(os.getpid(), processes.everything())
    assert os.getsid(pid) != os.getsid(0)


SUBMITS_AND_DIES = """
import os, pickle, signal, sys
from pathlib import Path
from jobs.engines.local.engine import LocalEngine
request = pickle.loads(bytes.fromhex(sys.argv[2]))
LocalEngine(Path(sys.argv[1])).submit(request.tag, request)
os.kill(0, signal.SIGKILL)
"""


def test_a_scheduler_killed_with_its_process_group_leaves_the_job_running(any_bench):
    request = any_bench.request("jobaaa", "python", "-c", programs.SAVES_ON_TERM)
    any_bench.tags.append(request.tag)
    argv = [sys.executable, "-c", SUBMITS_AND_DIES, str(any_bench.runs), pickle.dumps(request).hex()]
    scheduler = subprocess.run(argv, start_new_session=True, check=False)
    assert scheduler.returncode == -signal.SIGKILL
    any_bench.until_logged(request.tag, b"up")
    assert any_bench.engine.adopt(request.tag).state is State.RUNNING
    any_bench.engine.cancel(request.tag, 600)
    assert any_bench.end_of(request.tag).exit_code == 75


def test_a_cancel_before_the_start_prevents_it(bench):
    request = bench.request("jobaaa", "sh", "-c", "touch $DCP_RUN_DIR/ran")
    bench.tags.append(request.tag)
    files = bench.engine.folder(request.tag)
    from jobs.engines.local import launch
    from jobs.engines.runner.containers.probe import probe

    launch.write_folder(request, probe("sweep"), ())
    bench.engine.cancel(request.tag, 5)
    report = bench.end_of(request.tag)
    assert report.state is State.CANCELLED
    assert not (files.work / "ran").exists()
    assert bench.engine.submit(request.tag, request).duplicate


def test_a_reboot_is_a_loss_and_signals_nobody(bench):
    tag = bench.python("jobaaa", "")
    bench.end_of(tag)
    files = bench.engine.folder(tag)
    files.exit.unlink()
    innocent = processes.Identity.of(os.getpid())
    text = files.runner.read_text()
    files.runner.write_text(
        text.replace(processes.boot_id(), "00000000-0000-0000-0000-000000000000").replace(
            f'"pid": {bench.runner_pid(tag)}', f'"pid": {os.getpid()}'
        )
    )
    report = bench.end_of(tag)
    assert report.state is State.LOST
    assert innocent.is_alive


def test_a_pid_taken_over_by_another_process_is_not_signalled():
    me = processes.Identity.of(os.getpid())
    stranger = processes.Identity(me.pid, me.start_ticks - 1, me.boot_id)
    assert not stranger.is_alive
    assert processes.send(stranger, signal.SIGKILL) is False


def test_many_cancels_leave_no_runner_behind(bench):
    tags = [bench.python(f"jobaa{number}", programs.WAITS) for number in range(3)]
    for tag in tags:
        bench.until_logged(tag, b"up")
    for tag in tags:
        bench.engine.cancel(tag, 0.1)
    for tag in tags:
        bench.end_of(tag)
    deadline = time.monotonic() + 30
    while any(_runners(tag) for tag in tags):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _runners(tag: str) -> set[int]:
    pids = processes.tagged({"DCP_RUNNER": tag}, processes.everything())
    return {pid for pid in pids if (found := processes.stat(pid)) and not found.is_gone}


def test_a_shell_script_gets_term_through_to_its_program(any_bench):
    source = programs.SAVES_ON_TERM.replace('"', "'")
    tag = any_bench.launch("jobaaa", "bash", "-c", f'{sys.executable} -c "{source}"; true')
    any_bench.until_logged(tag, b"up")
    any_bench.engine.cancel(tag, 600)
    assert any_bench.end_of(tag).state is State.CANCELLED
    assert b"saved" in any_bench.log(tag)


def test_a_shell_that_goes_on_to_its_next_command_is_stopped_there(any_bench):
    tag = any_bench.launch("jobaaa", "bash", "-c", "echo up; sleep 600; echo next; sleep 601; echo last")
    any_bench.until_logged(tag, b"up")
    any_bench.engine.cancel(tag, 600)
    assert any_bench.end_of(tag).state is State.CANCELLED
    assert carrying(tag) == set()


def test_a_shell_with_a_trap_runs_it(any_bench):
    script = "trap 'echo trapped; exit 3' TERM; echo up; sleep 600 & wait"
    tag = any_bench.launch("jobaaa", "bash", "-c", script)
    any_bench.until_logged(tag, b"up")
    any_bench.engine.cancel(tag, 600)
    any_bench.end_of(tag)
    assert b"trapped" in any_bench.log(tag)


def test_a_poll_by_an_engine_without_history_ends_what_was_abandoned(bench):
    tag = bench.python("jobaaa", programs.WAITS)
    bench.until_logged(tag, b"up")
    os.kill(bench.runner_pid(tag), signal.SIGKILL)
    fresh = LocalEngine(bench.runs)
    deadline = time.monotonic() + 30
    while not fresh.poll_all()[tag].state.is_final:
        assert time.monotonic() < deadline
        time.sleep(0.02)
