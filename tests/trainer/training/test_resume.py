"""Checkpoints, exact resume, stopping on request, torn files."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.trainer.training.ranks import SMALL, Run
from tests.trainer.training.test_equality import CNN, GPT
from trainer.checkpoints import newest, sha256_of
from trainer.failures import StorageFailed

ROOT = Path(__file__).parents[3]
DROPOUT = {f"train.model.{model}.dropout": 0.3 for model in ("mlp", "cnn", "gpt")}


def assert_bitwise_equal(left, right):
    assert left.keys() == right.keys()
    for name, value in left.items():
        if isinstance(value, dict):
            assert_bitwise_equal(value, right[name])
        elif isinstance(value, torch.Tensor):
            assert torch.equal(value, right[name]), name
        else:
            assert value == right[name], name


@pytest.mark.parametrize("settings", [{}, CNN, GPT], ids=["mlp", "cnn", "gpt"])
def test_a_resumed_run_is_the_same_to_the_last_bit(ranks, settings):
    settings = {**settings, **DROPOUT, "train.accumulation": 2}
    straight = ranks.run("straight", 2, settings)
    assert straight.codes == [0, 0], straight.log()
    resumed = ranks.run("resumed", 2, settings, resume=straight.checkpoint(4))
    assert resumed.codes == [0, 0], resumed.log()
    assert resumed.events("step")[0]["step_from"] == 5
    assert_bitwise_equal(resumed.state(8), straight.state(8))
    assert resumed.evaluations()[-1] == straight.evaluations()[-1]


def test_random_numbers_matter_for_that(ranks):
    """Without this, the test above would also pass with no dropout at work."""
    straight = ranks.run("straight", 1, DROPOUT)
    other = ranks.run("other", 1, {**DROPOUT, "train.seed": 2})
    states = straight.state(8)["model"], other.state(8)["model"]
    assert not all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


def test_another_number_of_ranks_resumes_with_a_notice(ranks):
    two = ranks.run("two", 2)
    alone = ranks.run("alone", 1, resume=two.checkpoint(4))
    assert alone.codes == [0], alone.log()
    assert [event["code"] for event in alone.events("notice")] == ["ranks_changed"]
    assert alone.evaluations()[-1] == pytest.approx(two.evaluations()[-1], abs=1e-5)


def test_a_manifest_names_every_file_with_its_hash(ranks):
    run = ranks.run("run", 2)
    folder = run.checkpoint(8)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {file["name"] for file in manifest["files"]} == {"state.pt", "random-0.pt", "random-1.pt"}
    assert all(sha256_of(folder / file["name"]) == file["sha256"] for file in manifest["files"])
    event = run.events("checkpoint")[-1]
    assert (event["step"], event["path"]) == (8, str(folder))
    assert event["bytes"] == sum(file["bytes"] for file in manifest["files"])
    assert not list(folder.parent.glob(".*"))


def test_the_newest_two_and_the_best_are_kept(ranks):
    settings = {
        "train.steps": 6, "train.evaluate_every_steps": 1, "train.checkpoint_every_steps": 1,
        "train.schedule.name": "constant", "train.optimiser.learning_rate": 20, "train.optimiser.name": "sgd",
    }  # fmt: skip
    run = ranks.run("run", 1, settings)
    losses = [metrics["loss"] for metrics in run.evaluations()]
    best = losses.index(min(losses)) + 1
    kept = {int(folder.name.removeprefix("step-")) for folder in (run.folder / "checkpoints").iterdir()}
    assert kept == {best, 5, 6}
    assert [event["step"] for event in run.events("checkpoint") if event["best"]][-1] == best


def test_a_torn_newest_checkpoint_falls_back_to_the_one_before(ranks):
    settings = {"train.steps": 8}
    first = ranks.run("first", 1, settings)
    with open(first.checkpoint(8) / "state.pt", "r+b") as torn:
        torn.truncate(100)
    resumed = ranks.run("resumed", 1, settings, resume=first.folder / "checkpoints")
    assert resumed.codes == [0], resumed.log()
    assert resumed.events("notice")[0]["code"] == "checkpoint_torn"
    assert resumed.events("step")[0]["step_from"] == 5
    assert resumed.evaluations()[-1] == first.evaluations()[-1]


def test_where_all_are_torn_the_run_ends_with_74(ranks):
    first = ranks.run("first", 1)
    for step in (4, 8):
        (first.checkpoint(step) / "random-0.pt").unlink()
    resumed = ranks.run("resumed", 1, resume=first.checkpoint(8))
    assert resumed.codes == [74]
    assert resumed.events("error")[0]["code"] == "no_checkpoint_readable"


def test_an_empty_folder_starts_anew_and_says_so(ranks):
    run = ranks.run("run", 1, resume=ranks.folder)
    assert run.codes == [0]
    assert run.events("notice")[0]["code"] == "no_checkpoint"


def test_a_checkpoint_of_another_model_is_refused_with_65(ranks):
    first = ranks.run("first", 1)
    other = ranks.run("other", 1, {"train.model.mlp.hidden": "[17]"}, resume=first.checkpoint(8))
    assert other.codes == [65]
    assert other.events("error")[0]["code"] == "checkpoint_does_not_fit"


def test_a_checkpoint_that_holds_code_is_not_run(ranks):
    first = ranks.run("first", 1)
    marker = ranks.folder / "ran"

    class Hostile:
        def __reduce__(self):
            return (os.mkdir, (str(marker),))

    folder = first.checkpoint(8)
    torch.save({"model": Hostile(), "step": 8}, folder / "state.pt")
    manifest = json.loads((folder / "manifest.json").read_text())
    for file in manifest["files"]:
        file["sha256"] = sha256_of(folder / file["name"])
    (folder / "manifest.json").write_text(json.dumps(manifest))
    run = ranks.run("run", 1, resume=folder)
    assert run.codes != [0]
    assert not marker.exists()


def test_an_unfinished_folder_is_never_taken_for_a_checkpoint(tmp_path):
    (tmp_path / ".step-0000000004.part").mkdir()
    (tmp_path / "step-0000000003").mkdir()
    with pytest.raises(StorageFailed):
        newest(tmp_path)


def test_a_kill_at_any_moment_leaves_no_half_checkpoint(ranks):
    busy = {"train.steps": 10**6, "train.checkpoint_every_steps": 1, "train.evaluate_every_steps": 0}
    for attempt in range(4):
        name = f"run{attempt}"
        ranks.start(name, 2, busy)
        ranks.wait_for(name, f'"kind":"checkpoint","step":{3 + attempt}')
        ranks.kill()
        ranks.processes = []
        found, refused = newest(ranks.folder / name / "checkpoints")
        assert refused == []
        assert found.step >= 3 + attempt


def test_sigterm_to_one_rank_stops_all_with_75_and_a_loadable_checkpoint(ranks):
    endless = {"train.steps": 10**6, "train.checkpoint_every_steps": 0, "train.evaluate_every_steps": 0}
    ranks.start("long", 2, endless)
    ranks.wait_for("long", '"kind":"step"')
    os.kill(ranks.processes[1].pid, signal.SIGTERM)
    stopped = ranks.finish("long")
    assert stopped.codes == [75, 75], stopped.log()
    [end] = stopped.events("end", rank=1)
    assert (end["status"], end["exit_code"]) == ("stopped", 75)
    [saved] = stopped.events("checkpoint")
    assert saved["step"] == end["step"]
    found, refused = newest(stopped.folder / "checkpoints")
    assert (found.step, refused) == (end["step"], [])
    assert not stopped.events("error")


def test_torchrun_passes_sigterm_on_and_the_run_can_be_resumed(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text("[train]\n")
    events = tmp_path / "events"
    endless = {**SMALL, "train.steps": 10**6, "train.evaluate_every_steps": 0}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local_addr=127.0.0.1"]
    command += ["--nproc_per_node=2", "-m", "trainer", "run", str(config), "--output", str(tmp_path)]
    command += [part for key, value in endless.items() for part in ("--set", f"{key}={value}")]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "DCP_EVENTS": str(events), "OMP_NUM_THREADS": "1"}
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_for_step(events / "0.jsonl", process, tmp_path / "log")
        process.terminate()
        process.wait(60)
    finally:
        process.kill()
        process.wait()
    run = Run([], tmp_path)
    for rank in (0, 1):
        assert run.events("end", rank)[0]["exit_code"] == 75, (tmp_path / "log").read_text()
    found, _refused = newest(tmp_path / "checkpoints")
    assert found.step == run.events("end")[0]["step"]


def wait_for_step(file, process, log):
    import time

    deadline = time.monotonic() + 90
    while not file.exists() or '"kind":"step"' not in file.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
