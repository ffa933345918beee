"""The runner's parts that need no process: claim, command, outcome, control files, hidden folders."""

import contextlib
import json
import os
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.engines.runner import claim, command, folder, outcome, runscript
from jobs.engines.runner.claim import Verdict
from jobs.engines.runner.containers import mask
from jobs.engines.runner.folder import RunFolder
from jobs.engines.runner.outcome import Ending, judge
from jobs.engines.runner.spec import RunnerSpec, SpecUnreadable
from jobs.engines.runner.stopping import StopOrder

TORCHRUN_REPORT = b"""
Root Cause (first observed failure):
[1]:
  time      : 2026-11-22_12:23:50
  host      : node1
  rank      : 1 (local_rank: 1)
  exitcode  : 71 (pid: 19712)
  error_file: <N/A>
"""
OTHER_RANK = b"Failures:\n[0]:\n  rank      : 0 (local_rank: 0)\n  exitcode  : -15 (pid: 1)\n"


def test_a_claim_is_won_once_among_many(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda n: claim.claim(tmp_path / "claim", f"engine{n}"), range(32)))
    assert sorted(verdicts).count(Verdict.WON) == 1
    winner = verdicts.index(Verdict.WON)
    assert claim.owner_of(tmp_path / "claim")["engine_id"] == f"engine{winner}"
    assert [path.name for path in tmp_path.iterdir()] == ["claim"]


def test_the_same_engine_claims_again_only_with_a_higher_restart_count(tmp_path):
    place = tmp_path / "claim"
    verdicts = [claim.claim(place, "slurm7", count) for count in (0, 0, 1, 1, 3, 2)]
    assert verdicts == ["won", "duplicate", "again", "duplicate", "again", "again"]
    assert claim.claim(place, "slurm8", 9) is Verdict.DUPLICATE
    assert claim.owner_of(place)["restart_count"] == 3


@pytest.mark.parametrize(
    ("written", "started"),
    [
        (["python", "train.py", "--lr", "1"], ["PY", "train.py", "--lr", "1"]),
        (["python3.11", "-u", "train.py"], ["PY", "-u", "train.py"]),
        (["train.py"], ["PY", "train.py"]),
        (["-m", "pkg.train", "x"], ["PY", "-m", "pkg.train", "x"]),
        (["bash", "run.sh"], ["bash", "run.sh"]),
        (["torchrun", "train.py"], ["PY", "-m", "torch.distributed.run", "train.py"]),
        (["/opt/other/python", "x.py"], ["/opt/other/python", "x.py"]),
        (["./python3", "-m", "pkg"], ["./python3", "-m", "pkg"]),
        (["pythonic"], ["pythonic"]),
    ],
)
def test_on_one_rank_a_command_is_started_plainly(written, started):
    expected = ["PY" if word == "PY" else word for word in started]
    assert list(command.plan(written, "PY", 1).argv) == expected


@pytest.mark.parametrize("written", [["python", "t.py"], ["t.py"], ["-m", "pkg"], ["python", "-u", "t.py"]])
def test_a_python_program_on_more_ranks_is_started_by_torchrun(written):
    launch = command.plan(written, "PY", 4)
    assert launch.uses_torchrun
    assert launch.argv[:3] == ("PY", "-m", "torch.distributed.run")
    assert "--nproc_per_node=4" in launch.argv
    assert not any("streams" in word.lower() for word in launch.by_hand)


@pytest.mark.parametrize(
    "written",
    [["bash", "x.sh"], ["torchrun", "t.py"], ["python", "-m", "torch.distributed.run", "t.py"], ["./a.out"]],
)
def test_what_starts_its_own_ranks_is_started_once(written):
    assert not command.plan(written, "PY", 4).uses_torchrun


def test_a_python_written_with_its_path_also_runs_torchrun():
    launch = command.plan(["/opt/other/python3", "t.py"], "PY", 2)
    assert (launch.uses_torchrun, launch.argv[0]) == (True, "/opt/other/python3")


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=5))
def test_arguments_survive_whatever_they_hold(arguments):
    launch = command.plan(["python", "t.py", *arguments], "PY", 2)
    assert list(launch.argv[-len(arguments) - 1 :]) == ["t.py", *arguments]


@given(st.dictionaries(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), st.text("a'\"$`\\ \n;", max_size=9)))
def test_run_sh_quotes_whatever_a_variable_holds(variables):
    script = runscript.text("j.1", Path("/x"), ["true"], variables, [])
    words = [word for word in shlex.split(script, comments=True) if "=" in word]
    assert dict(word.split("=", 1) for word in words) == variables


@pytest.mark.parametrize(
    ("status", "state", "code"),
    [
        (0, "succeeded", None),
        (3 << 8, "failed", "exit_code"),
        (65 << 8, "failed", "bad_config_or_data"),
        (71 << 8, "failed", "diverged"),
        (72 << 8, "failed", "out_of_memory"),
        (75 << 8, "failed", "stopped_resumable"),
        (127 << 8, "failed", "command_not_found"),
        (9, "failed", "signal"),
    ],
)
def test_the_wait_status_decides_how_it_ended(status, state, code):
    result = judge(Ending(status))
    assert (result.state, result.code) == (state, code)


@pytest.mark.parametrize(
    ("why", "state"),
    [("cancelled", "cancelled"), ("held", "cancelled"), ("time_limit", "failed"), ("runner_died", "lost")],
)
def test_a_stop_that_was_asked_for_decides_before_the_exit_code(why, state):
    assert (judge(Ending(0, why=why)).state, judge(Ending(0, why=why)).code) == (state, why)


def test_the_first_rank_that_failed_decides_over_torchruns_own_code():
    result = judge(Ending(1 << 8, tail=OTHER_RANK + TORCHRUN_REPORT, uses_torchrun=True))
    assert (result.code, result.params["rank"], result.exit_code) == ("diverged", 1, 1)
    assert result.rank_exits == {0: -15, 1: 71}


def test_a_rank_ended_by_a_signal_is_named():
    result = judge(Ending(1 << 8, tail=OTHER_RANK.replace(b"-15", b"-9"), uses_torchrun=True))
    assert (result.code, result.params) == ("signal", {"signal": 9, "name": "SIGKILL", "rank": 0})


def test_a_wrapper_hides_no_signal():
    assert outcome.split((128 + 11) << 8, is_wrapped=True) == (None, 11)
    assert outcome.split((128 + 11) << 8, is_wrapped=False) == (139, None)
    assert outcome.split(255 << 8, is_wrapped=True) == (255, None)


def test_memory_that_ran_out_is_told_from_a_kill():
    assert judge(Ending(9, oom_kills=2)).code == "killed_for_memory"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1', "\x00", "null", "[" * 100_000])
def test_a_broken_control_file_reads_as_none(tmp_path, text):
    (tmp_path / "state.json").write_text(text)
    assert folder.read_json(tmp_path / "state.json") is None


def test_a_link_or_pipe_in_place_of_a_control_file_reads_as_none(tmp_path):
    (tmp_path / "real").write_text("{}")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")
    assert folder.read_json(tmp_path / "link") is None
    assert folder.read_json(tmp_path / "pipe") is None


def test_a_control_file_is_replaced_whole_and_leaves_no_rest(tmp_path):
    folder.write_json(tmp_path / "x", {"a": 1})
    folder.write_json(tmp_path / "x", {"a": "\udcff"}, durable=True)
    assert json.loads((tmp_path / "x").read_text()) == {"a": "\udcff"}
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def _fill(path: Path) -> None:
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 65536)


def test_the_end_is_written_even_on_a_full_disk(small_disk):
    files = RunFolder(small_disk / "run")
    files.create()
    _fill(small_disk / "filler")
    folder.write_last_words(files, files.exit, {"state": "succeeded", "long": "x" * 20_000})
    assert folder.read_json(files.exit)["state"] == "succeeded"


def test_a_spec_goes_through_its_file_unchanged():
    spec = RunnerSpec(
        job_uid="job",
        attempt=2,
        launch_id="x",
        interpreter="/p",
        command=("a",),
        env={"A": "b"},
        hidden=("/d",),
    )
    assert RunnerSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


@pytest.mark.parametrize("value", [None, {}, {"v": 99}, {"v": 1}])
def test_a_spec_of_another_kind_is_refused(value):
    with pytest.raises(SpecUnreadable):
        RunnerSpec.from_json(value)


@pytest.mark.parametrize(
    "value", [None, {}, {"why": "x"}, {"why": "x", "grace_seconds": "soon", "requested_at": ""}]
)
def test_a_broken_order_to_stop_is_no_order(value):
    assert StopOrder.from_json(value) is None


def test_hidden_folders_inside_one_another_are_hidden_once(tmp_path):
    (tmp_path / "data/runs").mkdir(parents=True)
    view = mask.View(hidden=(tmp_path / "data/runs", tmp_path / "data", tmp_path / "none"))
    options = mask.arguments(view, Path("/"))
    hidden = [options[at + 1] for at, word in enumerate(options) if word == "--tmpfs"]
    assert hidden == [str(tmp_path / "data")]
