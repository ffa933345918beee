"""The contract of `jobs.engines.base`, on real processes, at each container level."""

import dataclasses
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from jobs.engines.base import EngineError, NoRoom, State, SubmitRefused, UnknownTag
from jobs.engines.local.engine import LocalEngine
from jobs.engines.runner import processes
from tests.jobs.engines import programs
from tests.jobs.engines.conftest import Bench


def test_an_attempt_runs_and_reports_its_end(any_bench):
    tag = any_bench.python("jobaaa", "print('hello')")
    report = any_bench.end_of(tag)
    assert (report.state, report.exit_code, report.reason) == (State.SUCCEEDED, 0, None)
    assert any_bench.texts(tag) == [b"hello"]
    assert report.submitted_at <= report.started_at <= report.ended_at


def test_an_exit_code_is_reported_as_a_failure(any_bench):
    report = any_bench.end_of(any_bench.python("jobaaa", "raise SystemExit(3)"))
    assert (report.state, report.exit_code) == (State.FAILED, 3)
    assert (report.reason.code, report.reason.params["exit_code"]) == ("exit_code", 3)


def test_a_signal_is_reported_by_name(any_bench):
    report = any_bench.end_of(any_bench.python("jobaaa", "import os; os.kill(os.getpid(), 11)"))
    assert (report.state, report.exit_code, report.signal) == (State.FAILED, None, 11)
    assert report.reason.params["name"] == "SIGSEGV"


def test_the_same_tag_never_runs_twice(bench):
    request = bench.request("jobaaa", "sh", "-c", "echo ran >> $DCP_RUN_DIR/ran; sleep 0.2")
    bench.tags.append(request.tag)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: bench.engine.submit(request.tag, request), range(4)))
    bench.end_of(request.tag)
    assert {answer.engine_id for answer in answers} == {request.tag}
    assert bench.engine.submit(request.tag, request).duplicate
    assert (bench.engine.folder(request.tag).work / "ran").read_text() == "ran\n"


def test_a_second_runner_of_a_tag_is_suppressed(bench):
    tag = bench.python("jobaaa", programs.WAITS)
    bench.until_logged(tag, b"up")
    command = [sys.executable, "-m", "jobs.engines.runner", str(bench.engine.folder(tag).root)]
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 0
    assert "duplicate suppressed" in second.stdout
    assert bench.engine.find(tag).state is State.RUNNING


def test_a_lost_submit_reply_is_found_by_tag(bench):
    tag = bench.python("jobaaa", programs.WAITS)
    other = LocalEngine(bench.runs)
    assert other.find(tag).tag == tag
    assert other.find("jobzzz.1") is None


def test_another_engine_adopts_what_an_earlier_one_started(any_bench):
    tag = any_bench.python("jobaaa", programs.WAITS)
    any_bench.until_logged(tag, b"up")
    assert LocalEngine(any_bench.runs).adopt(tag).state is State.RUNNING


def test_the_processes_of_a_running_attempt_are_listed_with_their_rank(any_bench):
    tag = any_bench.python("jobaaa", programs.WAITS)

    def program_of(report):
        return [p for p in report.processes if p.rank == 0 and p.name.startswith("python -c")]

    (program,) = program_of(any_bench.until(tag, program_of))
    assert processes.stat(program.pid).start_ticks == program.start_ticks


def test_poll_lists_what_runs_and_what_ended_since(bench):
    done = bench.python("jobaaa", "")
    bench.end_of(done)
    running = bench.python("jobbbb", programs.WAITS)
    now = datetime.now(UTC)
    assert set(bench.engine.poll_all()) == {done, running}
    assert set(bench.engine.poll_all(now - timedelta(minutes=1))) == {done, running}
    assert set(bench.engine.poll_all(now + timedelta(minutes=1))) == {running}


def test_cancel_ends_a_polite_program_before_the_grace_is_over(any_bench):
    tag = any_bench.python("jobaaa", programs.SAVES_ON_TERM)
    any_bench.until_logged(tag, b"up")
    any_bench.engine.cancel(tag, 600)
    report = any_bench.end_of(tag)
    assert (report.state, report.reason.code, report.exit_code) == (State.CANCELLED, "cancelled", 75)
    assert b"saved" in any_bench.texts(tag)


def test_cancel_keeps_the_reason_it_was_given(bench):
    tag = bench.python("jobaaa", programs.WAITS)
    bench.until_logged(tag, b"up")
    bench.engine.cancel(tag, 0.2, why="preempted")
    assert bench.end_of(tag).reason.code == "preempted"


def test_a_second_cancel_with_less_grace_hurries(bench):
    tag = bench.python("jobaaa", programs.DAEMON)
    bench.until_logged(tag, b"up")
    assert bench.engine.cancel(tag, 600).state is not State.CANCELLED
    stopping = bench.until(tag, lambda report: report.state is State.STOPPING and report.stop)
    assert stopping.stop.left > 0
    bench.engine.cancel(tag, 0)
    assert bench.end_of(tag).state is State.CANCELLED


def test_cancel_of_an_ended_attempt_changes_nothing(bench):
    tag = bench.python("jobaaa", "")
    before = bench.end_of(tag)
    assert dataclasses.replace(bench.engine.cancel(tag, 1)) == before


def test_logs_are_read_by_offset_and_by_rank(bench):
    tag = bench.python("jobaaa", "print('one'); print('two')")
    bench.end_of(tag)
    first = bench.engine.logs(tag, 0, limit=1)
    rest = bench.engine.logs(tag, first.next_offset)
    assert [first.data[27:], rest.data[27:]] == [b"one\n", b"two\n"]
    assert bench.engine.logs(tag, rest.next_offset).data == b""
    assert bench.engine.logs(tag, 0, rank="1").data == b""


@pytest.mark.parametrize("tag", ["jobzzz.1", "../../etc.1", "jobaaa", "", "jobaaa.x"])
def test_an_unknown_tag_is_refused(bench, tag):
    with pytest.raises(UnknownTag):
        bench.engine.cancel(tag, 1)
    with pytest.raises(UnknownTag):
        bench.engine.logs(tag, 0)
    with pytest.raises(UnknownTag):
        bench.engine.adopt(tag)


def test_the_only_node_is_this_machine(bench):
    (node,) = bench.engine.nodes()
    assert node.cpus == len(os.sched_getaffinity(0))
    assert node.memory_bytes > 2**27
    assert node.is_launchable


def test_a_full_disk_takes_no_attempt_and_says_so(small_disk):
    bench = Bench(LocalEngine(small_disk / "runs"), small_disk / "runs")
    request = bench.request("jobaaa", "true")
    with pytest.raises(NoRoom) as refused:
        bench.engine.submit(request.tag, request)
    assert refused.value.reason.code == "disk_full"
    (node,) = bench.engine.nodes()
    assert (node.is_launchable, node.reason.code) == (False, "disk_full")
    assert bench.engine.find(request.tag) is None


def test_an_unknown_account_is_refused_for_good(bench):
    request = bench.request("jobaaa", "true", run_as="no-such-account")
    with pytest.raises(SubmitRefused) as refused:
        bench.engine.submit(request.tag, request)
    assert [problem.code for problem in refused.value.problems] == ["no_such_account"]


def test_a_folder_that_is_not_the_engines_is_refused(bench, tmp_path):
    request = dataclasses.replace(bench.request("jobaaa", "true"), run_dir=tmp_path / "elsewhere")
    with pytest.raises(EngineError):
        bench.engine.submit(request.tag, request)


def test_probe_says_what_the_lowest_level_lacks(runs):
    lowest = LocalEngine(runs, level="sweep").probe()
    assert (lowest.level, lowest.is_isolated) == ("sweep", False)
