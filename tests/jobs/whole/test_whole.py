"""From a request to ended processes and back, with nothing faked."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from jobs import actions, queries
from jobs.engines.local.engine import LocalEngine
from jobs.models import Attempt, Job
from tests.jobs.whole.conftest import Portal

pytestmark = [pytest.mark.trainer_env, pytest.mark.django_db(transaction=True)]
Named = Callable[[str], Actor]
COUNTER = """
import os, pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
daemon = "import os, signal, time\\nsignal.signal(15, signal.SIG_IGN)\\nif os.fork() == 0:\\n os.setsid()\\n time.sleep(600)"
subprocess.Popen([sys.executable, "-c", daemon], start_new_session=True).wait()
pathlib.Path(os.environ["DCP_RUN_DIR"], "daemon-runs").touch()
for number in range(6000):
    print("tick", number, flush=True)
    time.sleep(0.1)
"""  # noqa: E501
STARTS = """
import os, pathlib, time
with open(os.environ["DCP_RUN_DIR"] + "/starts", "a") as file:
    file.write(os.environ["DCP_ATTEMPT"] + "\\n")
time.sleep(4)
"""


def own_script(tmp_path: Path, text: str, name: str = "probe", **sections: Any) -> dict[str, Any]:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "train.py").write_text(text)
    return {
        "job": {"name": name},
        "code": {"path": str(folder)},
        "command": ["python", "train.py"],
        "resources": {"ranks": 1},
        **sections,
    }


def tagged_processes(job: Job) -> list[int]:
    """Every process of this machine that carries the job's tag in its environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"DCP_JOB_ID={job.uid}".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_a_training_job_runs_with_curves_checkpoints_and_log(portal: Portal, actor_named: Named) -> None:
    request = {
        "job": {"name": "digits"},
        "resources": {"ranks": 2},
        "train": {
            "model": {"name": "mlp"},
            "dataset": {"name": "digits"},
            "steps": 60,
            "log_every_steps": 5,
        },
    }
    job = actions.submit(actor_named("owner"), request, utcnow())
    portal.start_scheduler()
    portal.wait_state(job, "succeeded", "failed")
    assert job.state == "succeeded", job.reason
    assert (job.progress_step, job.progress_total) == (60, 60)
    curves = {curve.metric: curve for curve in queries.curves_of(job)}
    assert curves["loss"].steps[-1] == 60
    assert job.checkpoints.exists()
    attempt = Attempt.objects.get(job=job)
    assert b"step" in queries.log_window(attempt).data
    assert tagged_processes(job) == []


def test_a_killed_scheduler_finds_its_job_again(portal: Portal, actor_named: Named, tmp_path: Path) -> None:
    job = actions.submit(actor_named("owner"), own_script(tmp_path, STARTS), utcnow())
    first = portal.start_scheduler()
    portal.wait_state(job, "running")
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert tagged_processes(job) != []
    portal.start_scheduler()
    portal.wait_state(job, "succeeded", "failed")
    assert (job.state, job.attempts_made) == ("succeeded", 1)


@pytest.mark.parametrize("point", ["attempt_written", "before_submit", "after_submit", "engine_id_written"])
def test_killed_at_a_named_point_the_job_starts_once(
    point: str, portal: Portal, actor_named: Named, tmp_path: Path
) -> None:
    job = actions.submit(actor_named("owner"), own_script(tmp_path, STARTS), utcnow())
    assert portal.start_scheduler(DCP_CRASH_AT=point).wait(120) == -signal.SIGKILL
    portal.start_scheduler()
    portal.wait_state(job, "succeeded", "failed")
    assert job.state == "succeeded"
    starts = list((portal.runs / job.uid).rglob("starts"))
    assert sum(len(file.read_text().split()) for file in starts) == 1


def test_a_cancel_leaves_no_process_behind(portal: Portal, actor_named: Named, tmp_path: Path) -> None:
    job = actions.submit(actor_named("owner"), own_script(tmp_path, COUNTER), utcnow())
    portal.start_scheduler()
    portal.wait_state(job, "running")
    mark = portal.runs / job.uid / "1/work/daemon-runs"
    portal.wait_for(job, lambda found: mark.exists(), "started its daemon")
    actions.cancel(actor_named("owner"), job, utcnow())
    portal.wait_state(job, "cancelled")
    assert tagged_processes(job) == []
    stop = Attempt.objects.get(job=job).stop
    assert stop["processes"]
    assert all(process["gone_at"] for process in stop["processes"])


def test_what_the_engine_says_is_what_the_portal_shows(
    portal: Portal, actor_named: Named, tmp_path: Path
) -> None:
    wrong = own_script(tmp_path, "import sys; sys.exit(3)", "wrong")
    job = actions.submit(actor_named("owner"), wrong, utcnow())
    portal.start_scheduler()
    portal.wait_state(job, "failed")
    report = LocalEngine(portal.runs).find(f"{job.uid}.1")
    assert report is not None
    assert (job.exit_code, report.exit_code) == (3, 3)
    assert job.reason["code"] == "exit_code"
