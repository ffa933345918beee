"""How runs end: exit codes, `error` and `end` events, refusals."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from trainer.command import named
from trainer.events import LINE_BYTES, read_lines

ROOT = Path(__file__).parents[3]


def test_a_run_that_finishes_says_done_on_every_rank(ranks):
    run = ranks.run("run", 2)
    assert run.codes == [0, 0], run.log()
    for rank in (0, 1):
        [end] = run.events("end", rank)
        assert (end["status"], end["exit_code"], end["step"]) == ("done", 0, 8)
    phases = [event["phase"] for event in run.events("phase") if event["state"] == "begin"]
    assert phases[:3] == ["import", "rendezvous", "data"]
    assert {"evaluate", "checkpoint"} <= set(phases)
    assert "evaluation at step 8" in run.log()


def test_every_line_of_a_run_is_an_event_of_at_most_4_kib(ranks):
    run = ranks.run("run", 2)
    for file in (run.folder / "events").iterdir():
        events, used, bad = read_lines(file.read_bytes())
        assert bad == 0
        assert used == file.stat().st_size
        assert max(len(line) for line in file.read_bytes().splitlines()) < LINE_BYTES
        assert [event.seq for event in events] == list(range(len(events)))


def test_steps_tell_progress_epoch_and_figures(ranks):
    run = ranks.run("run", 1)
    last = run.events("step")[-1]
    assert (last["step_to"], last["total_steps"], last["epoch"]) == (8, 8, 1)
    assert set(last["metrics"]) == {"loss", "learning_rate", "gradient_norm", "samples_per_second"}


def test_a_loss_that_is_no_number_ends_the_run_with_71_on_every_rank(ranks):
    wild = {
        "train.optimiser.name": "sgd", "train.optimiser.learning_rate": 100, "train.optimiser.clip_norm": 0,
        "train.optimiser.weight_decay": 10, "train.steps": 400, "train.checkpoint_every_steps": 1,
        "train.evaluate_every_steps": 0,
    }  # fmt: skip
    run = ranks.run("run", 2, wild)
    assert run.codes == [71, 71], run.log()
    assert run.events("error")[0]["code"] == "diverged"
    newest = max((run.folder / "checkpoints").iterdir())
    state = torch.load(newest / "state.pt", weights_only=True)
    assert all(tensor.isfinite().all() for tensor in state["model"].values())


@pytest.mark.parametrize(
    ("config", "pointer", "said"),
    [
        ("[train.optimiser]\nlearning_rte = 1\n", "/train/optimiser/learning_rte", "learning_rate"),
        ("[train]\nbatch_size = 0\n", "/train/batch_size", "at least 1"),
        ("[train\n", "", "not valid TOML"),
        ("", "/command", "command or a trainer"),
        ("command = ['ls']\n", "/train", "needed"),
    ],
)
def test_a_bad_configuration_ends_with_65_and_names_the_place(ranks, config, pointer, said):
    run = ranks.run("run", 1, config=config)
    assert run.codes == [65]
    [error] = run.events("error")
    assert error["code"] == "spec_invalid"
    assert error["params"]["problems"][0]["pointer"] == pointer
    assert said in run.log()


def test_a_batch_larger_than_the_data_ends_with_65(ranks):
    run = ranks.run("run", 1, {"train.batch_size": 456})
    assert run.codes == [65]
    assert run.events("error")[0]["params"]["maximum"] == 455


def test_more_slices_than_samples_in_a_batch_end_with_65_on_every_rank(ranks):
    run = ranks.run("run", 3, {"train.batch_size": 2})
    assert run.codes == [65, 65, 65], run.log()
    assert run.events("error", rank=2)[0]["params"]["minimum"] == 3


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch can use a GPU here")
@pytest.mark.parametrize("variables", [{"CUDA_VISIBLE_DEVICES": "GPU-1234"}, {"DCP_GPUS": "1"}])
def test_a_gpu_that_torch_cannot_use_is_refused_not_replaced(ranks, variables):
    run = ranks.run("run", 1, environ=variables)
    assert run.codes == [65]
    [error] = run.events("error")
    assert error["code"] == "gpu_unusable"
    assert error["params"]["torch"] == torch.__version__
    assert error["params"]["command"] in error["message"]
    assert torch.__version__ in error["message"]


def test_a_job_that_was_given_no_gpu_runs_on_the_cpu(ranks):
    assert ranks.run("run", 1, environ={"CUDA_VISIBLE_DEVICES": ""}).codes == [0]


def limit_files_to_20_kb():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def test_a_disk_that_takes_no_checkpoint_ends_the_run_with_74_on_every_rank(ranks):
    large = {"train.model.mlp.hidden": "[256, 256]"}
    run = ranks.run("run", 2, large, before=limit_files_to_20_kb)
    assert run.codes == [74, 74], run.log()
    assert run.events("error", rank=1)[0]["code"] == "checkpoint_failed"
    assert not list((run.folder / "checkpoints").glob("step-*"))


def test_a_rank_that_dies_is_noticed_by_the_others_and_named(ranks):
    ranks.start("run", 2, {"train.steps": 10**6, "train.evaluate_every_steps": 0})
    ranks.wait_for("run", '"kind":"step"')
    ranks.processes[1].kill()
    run = ranks.finish("run")
    assert run.codes == [1, -signal.SIGKILL], run.log()
    assert run.events("error")[0]["code"] == "peer_lost"


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (MemoryError(), "out_of_memory", 72),
        (torch.OutOfMemoryError("CUDA out of memory"), "out_of_memory", 72),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "out_of_memory", 72),
        (OSError(28, "No space left on device"), "storage_failed", 74),
        (RuntimeError("[gloo] Connection closed by peer"), "peer_lost", 1),
        (ZeroDivisionError("x"), "exception", 70),
        (KeyboardInterrupt(), "interrupted", 130),
    ],
)
def test_unnamed_errors_get_a_name_and_an_exit_code(error, code, exit_code):
    failure = named(error)
    assert (failure.code, failure.exit_code) == (code, exit_code)


def test_the_engines_folders_are_used_where_given(ranks):
    places = {"DCP_EVENTS": ranks.folder / "e", "DCP_CHECKPOINT_DIR": ranks.folder / "c"}
    run = ranks.run("run", 1, environ=places)
    assert run.codes == [0]
    assert (ranks.folder / "c" / "step-0000000008" / "manifest.json").exists()
    assert (ranks.folder / "e" / "0.jsonl").exists()


def test_a_process_started_again_goes_on_from_its_own_checkpoints(ranks):
    first = ranks.run("first", 1)
    places = {"DCP_CHECKPOINT_DIR": first.folder / "checkpoints", "TORCHELASTIC_RESTART_COUNT": 1}
    again = ranks.run("again", 1, {"train.steps": 12}, environ=places)
    assert again.codes == [0], again.log()
    assert again.events("step")[0]["step_from"] == 9
    assert again.events()[0]["restart"] == 1


def test_a_whole_request_as_json_is_read_like_toml(tmp_path):
    spec = {"job": {"name": "x"}, "train": {"optimiser": {"nme": "sgd"}}}
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    done = command("run", "--spec", str(tmp_path / "spec.json"), "--output", str(tmp_path))
    assert done.returncode == 65
    assert "nearest is name" in done.stderr


def command(*arguments):
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "trainer", *arguments], env=environ, text=True, capture_output=True, timeout=60
    )


def test_help_settings_and_refusals_need_no_torch():
    script = "import sys, trainer.command as c\nc.main(['settings'])\nassert 'torch' not in sys.modules\n"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, text=True, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "train.optimiser.learning_rate = 0.0002" in done.stdout
    assert command("--help").returncode == 0


def test_a_missing_file_ends_with_65(tmp_path):
    done = command("run", str(tmp_path / "none.toml"), "--output", str(tmp_path))
    assert done.returncode == 65
    assert "No such file" in done.stderr
