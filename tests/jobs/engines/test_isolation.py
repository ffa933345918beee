"""What a job is given and what it cannot reach: variables, accelerators, the portal's own folders."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.engines.base import CodeSource, State
from jobs.engines.local import launch
from jobs.engines.local.engine import LocalEngine
from jobs.engines.runner import processes
from tests.jobs.engines import programs
from tests.jobs.engines.conftest import Bench

KILLS_ALL = """
import os, time
if os.fork() == 0:
    time.sleep(600)
os.kill(-1, 9)
print("killed", flush=True)
os.wait()
print("alone", flush=True)
"""
SHOW = "import json, os; print(json.dumps(dict(os.environ)))"


def variables(bench: Bench, **fields) -> dict[str, str]:
    tag = bench.python("jobaaa", SHOW, **fields)
    bench.end_of(tag)
    return json.loads(bench.texts(tag)[0])


@pytest.fixture
def masked(tmp_path):
    """An engine that hides `data/`, where its run folders lie as well."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "db.sqlite3").write_text("canary-db")
    made = Bench(LocalEngine(data / "runs", hidden=[data]), data / "runs")
    if not made.engine.probe().masks_data:
        pytest.skip("nothing on this machine can hide folders from a job")
    yield made
    made.clear()


def test_a_job_learns_who_and_where_it_is(bench):
    seen = variables(bench, cpus=6, ranks=1)
    uid = bench.uid("jobaaa")
    work = bench.engine.folder(f"{uid}.1").work
    assert (seen["DCP_JOB_ID"], seen["DCP_ATTEMPT"], seen["DCP_RUN_DIR"]) == (uid, "1", str(work))
    for name, folder in (
        ("EVENTS", "events"),
        ("CHECKPOINT_DIR", "checkpoints"),
        ("ARTIFACTS_DIR", "artifacts"),
    ):
        assert seen[f"DCP_{name}"] == str(work / folder)
        assert (work / folder).is_dir()
    assert (seen["RANK"], seen["WORLD_SIZE"], seen["PYTHONUNBUFFERED"]) == ("0", "1", "1")
    assert seen["OMP_NUM_THREADS"] == "6"
    assert "DCP_RESUME_FROM" not in seen


def test_accelerators_are_those_given_and_none_means_none(bench):
    assert variables(bench)["CUDA_VISIBLE_DEVICES"] == ""
    given = variables(bench, attempt=2, accelerator_uuids=("GPU-b", "GPU-a"))
    assert (given["CUDA_VISIBLE_DEVICES"], given["CUDA_DEVICE_ORDER"]) == ("GPU-b,GPU-a", "PCI_BUS_ID")


def test_the_portals_own_variables_stay_outside(bench, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://canary")
    monkeypatch.setenv("DCP_SECRET_KEY", "canary")
    monkeypatch.setenv("PYTHONPATH", "/canary")
    assert "canary" not in json.dumps(variables(bench))


def test_a_users_variables_arrive_but_cannot_replace_ours(bench):
    seen = variables(bench, env={"MODE": "fast", "DCP_JOB_ID": "other", "CUDA_VISIBLE_DEVICES": "0"})
    uid = bench.uid("jobaaa")
    assert (seen["MODE"], seen["DCP_JOB_ID"], seen["CUDA_VISIBLE_DEVICES"]) == ("fast", uid, "")


def test_preloads_of_the_user_reach_the_program_and_no_wrapper(bench):
    tag = bench.python("jobaaa", SHOW, env={"LD_PRELOAD": "/none.so", "PYTHONOPTIMIZE": "1"})
    bench.end_of(tag)
    lines = bench.texts(tag)
    seen = json.loads(next(text for text in lines if text.startswith(b"{")))
    assert (seen["LD_PRELOAD"], seen["PYTHONOPTIMIZE"]) == ("/none.so", "1")
    # ld.so complains once for each program that loads it.
    assert sum(b"/none.so" in text for text in lines if not text.startswith(b"{")) == 1


def test_checkpoints_of_an_earlier_attempt_are_named_and_readable(masked):
    earlier = masked.runs / masked.uid("jobaaa") / "1/work/checkpoints"
    earlier.mkdir(parents=True)
    (earlier / "step1").write_text("saved")
    tag = masked.python(
        "jobaaa",
        "import os; print(open(os.environ['DCP_RESUME_FROM'] + '/step1').read())",
        attempt=2,
        resume_from=earlier,
    )
    masked.end_of(tag)
    assert masked.texts(tag) == [b"saved"]


def test_a_masked_job_sees_neither_data_nor_control_nor_other_runs(masked):
    other = masked.runs / "jobzzz/1/work"
    other.mkdir(parents=True)
    (other / "weights").write_text("canary-run")
    data = masked.runs.parent
    source = f"""
import os
for path in ({str(data / "db.sqlite3")!r}, {str(other / "weights")!r}):
    print(os.path.exists(path))
print(sorted(os.listdir(os.path.dirname(os.environ["DCP_RUN_DIR"]))))
open(os.environ["DCP_RUN_DIR"] + "/artifacts/mine", "w").write("kept")
"""
    tag = masked.python("jobaaa", source)
    assert masked.end_of(tag).state is State.SUCCEEDED, masked.log(tag)
    assert masked.texts(tag) == [b"False", b"False", b"['work']"]
    assert (masked.engine.folder(tag).work / "artifacts/mine").read_text() == "kept"


def test_a_masked_job_can_write_neither_its_log_nor_cgroups(masked):
    source = """
import os
for path in (os.environ["DCP_RUN_DIR"] + "/logs/x", "/sys/fs/cgroup/x"):
    try:
        open(path, "w")
        print("open")
    except OSError as error:
        print("refused")
"""
    tag = masked.python("jobaaa", source)
    masked.end_of(tag)
    assert masked.texts(tag) == [b"refused", b"refused"]


def test_a_masked_job_cannot_change_the_portals_program(masked):
    source = f"""
try:
    open({str(Path(launch.__file__))!r}, "a")
    print("open")
except OSError:
    print("refused")
"""
    tag = masked.python("jobaaa", source)
    masked.end_of(tag)
    assert masked.texts(tag) == [b"refused"]


def test_a_job_that_kills_everything_it_can_ends_only_itself(masked):
    tag = masked.python("jobaaa", KILLS_ALL)
    innocent = processes.Identity.of(os.getpid())
    report = masked.end_of(tag)
    assert innocent.is_alive
    assert report.state is State.SUCCEEDED
    assert masked.texts(tag) == [b"killed", b"alone"]


def test_a_job_sees_no_process_but_its_own(masked):
    source = "import os; print(sorted(int(n) for n in os.listdir('/proc') if n.isdigit())[-1] < 100)"
    tag = masked.python("jobaaa", source)
    masked.end_of(tag)
    assert masked.texts(tag) == [b"True"]


def test_naming_the_hidden_folder_as_code_does_not_open_it(masked):
    data = masked.runs.parent
    tag = masked.python("jobaaa", "", code=CodeSource(path=data))
    masked.end_of(tag)
    found = [path for path in masked.engine.folder(tag).work.rglob("*") if path.name == "db.sqlite3"]
    assert found == []


def test_naming_a_program_in_the_root_folder_does_not_undo_the_mask(masked):
    tag = masked.launch(
        "jobaaa", "sh", "-c", f"cat {masked.runs.parent}/db.sqlite3", interpreter=Path("/x/python")
    )
    report = masked.end_of(tag)
    assert report.state is State.FAILED
    assert b"canary-db" not in masked.log(tag)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run jobs as somebody else")
def test_a_job_can_run_under_another_account(tmp_path):
    bench = Bench(LocalEngine(_open_to_all(tmp_path)), tmp_path / "runs")
    tag = bench.launch("jobaaa", "id", "-un", run_as="nobody", interpreter=Path("/usr/bin/python3"))
    report = bench.end_of(tag)
    assert report.state is State.SUCCEEDED, (report.problems, bench.log(tag))
    assert bench.texts(tag, "-")[-1] == b"nobody"


def _open_to_all(folder: Path) -> Path:
    for path in (folder, *folder.parents):
        if str(path).startswith("/tmp/"):
            path.chmod(0o755)
    return folder / "runs"


def test_the_runner_removes_the_secrets_file(bench):
    tag = bench.python("jobaaa", programs.WAITS, secrets={"KEY": "canary-5f3a9c"})
    bench.until_logged(tag, b"up")
    assert not (bench.control(tag) / "secrets.json").exists()
    assert os.stat(bench.control(tag)).st_mode & 0o777 == 0o700


def test_run_sh_repeats_the_attempt_without_the_portal(bench, tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code/train.py").write_text(
        "import os, sys; print(os.environ['MODE'], sys.argv[1:], os.environ['KEY'])"
    )
    tag = bench.launch(
        "jobaaa",
        "python", "train.py", "a b", "$HOME;'",
        code=CodeSource(path=tmp_path / "code"),
        env={"MODE": "it's \"odd\""},
        secrets={"KEY": "canary-5f3a9c"},
    )  # fmt: skip
    bench.end_of(tag)
    script = bench.engine.folder(tag).work / "run.sh"
    assert "canary" not in script.read_text()
    alone = subprocess.run([str(script)], env={}, capture_output=True, text=True, check=False)
    assert "KEY" in alone.stderr
    repeated = subprocess.run([str(script)], env={"KEY": "***"}, capture_output=True, check=True)
    assert repeated.stdout.rstrip() == bench.texts(tag)[0]
    assert sys.executable in script.read_text()
