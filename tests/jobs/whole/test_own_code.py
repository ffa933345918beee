"""Somebody's own repository with an environment of its own, unmodified; and a run that dies half-way."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from jobs import actions, queries
from jobs.models import Attempt, Job
from tests.jobs.whole.conftest import REPOSITORY, Portal
from tests.jobs.whole.test_whole import tagged_processes

pytestmark = [pytest.mark.trainer_env, pytest.mark.django_db(transaction=True)]
Named = Callable[[str], Actor]
MODEL = """
import torch
class Model(torch.nn.Linear):
    greeting = "{greeting}"
"""
TRAIN = """
import os
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
import torch
from model import Model
dist.init_process_group("gloo")
model = DistributedDataParallel(Model(4, 1))
for step in range(3):
    model(torch.ones(2, 4)).sum().backward()
total = torch.tensor([1.0])
dist.all_reduce(total)
print(Model.greeting, "rank", dist.get_rank(), "of", int(total.item()), flush=True)
dist.destroy_process_group()
"""


@pytest.fixture
def own_venv(tmp_path: Path) -> Path:
    """A venv that holds what the trainer's holds, by a path file: installing torch anew takes minutes."""
    trainer = Path(os.environ.get("DCP_TRAINER_PYTHON", REPOSITORY / ".venv-trainer/bin/python"))
    folder = tmp_path / "own-venv"
    subprocess.run([str(trainer), "-m", "venv", "--without-pip", str(folder)], check=True)
    ask = [str(trainer), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]
    packages = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "trainer.pth").write_text(packages + "\n")
    return folder


def commit(repository: Path, greeting: str) -> str:
    (repository / "model.py").write_text(MODEL.format(greeting=greeting))
    (repository / "train.py").write_text(TRAIN)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for arguments in (["add", "."], [*identity, "commit", "-q", "-m", greeting]):
        subprocess.run(["git", *arguments], cwd=repository, check=True)
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True)
    return done.stdout.decode().strip()


def test_a_repository_runs_on_two_ranks_and_again_at_another_commit(
    portal: Portal, actor_named: Named, tmp_path: Path, own_venv: Path
) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=repository, check=True)
    first, second = commit(repository, "hello"), commit(repository, "goodbye")
    owner = actor_named("owner")
    environment = actions.add_environment(owner, "own", str(own_venv), utcnow())
    request: dict[str, Any] = {
        "job": {"name": "own"},
        "code": {"git": f"file://{repository}", "commit": first},
        "environment": {"ref": environment.name},
        "command": ["python", "train.py"],
        "resources": {"ranks": 2},
    }
    job = actions.submit(owner, request, utcnow())
    portal.start_scheduler()
    portal.wait_state(job, "succeeded", "failed")
    assert job.state == "succeeded", (job.reason, log_of(job))
    assert {f"hello rank {rank} of 2" for rank in range(2)} <= set(words_of(job))
    assert Attempt.objects.get(job=job).code["commit"] == first
    changed = {"code": {"git": f"file://{repository}", "commit": second}}
    copy = actions.clone(owner, job, changed, utcnow())
    portal.wait_state(copy, "succeeded", "failed")
    assert {f"goodbye rank {rank} of 2" for rank in range(2)} <= set(words_of(copy))


def test_a_run_that_is_killed_goes_on_from_its_checkpoint(portal: Portal, actor_named: Named) -> None:
    request = {
        "job": {"name": "killed", "max_retries": 1},
        "resources": {"ranks": 2},
        "train": {
            "model": {"name": "mlp"},
            "dataset": {"name": "digits"},
            "steps": 100_000,
            "checkpoint_every_steps": 50,
            "evaluate_every_steps": 0,
        },
    }
    job = actions.submit(actor_named("owner"), request, utcnow())
    portal.start_scheduler()
    portal.wait_for(job, lambda found: found.checkpoints.exists(), "saved a checkpoint")
    kill_a_rank(job)
    portal.wait_for(job, lambda found: found.attempts_made == 2, "started again")
    again = Attempt.objects.get(job=job, number=2)
    assert again.resumed_from is not None
    portal.wait_for(job, lambda found: bool(queries.curves_of(found, ["loss"], attempt=2)), "went on")
    (curve,) = queries.curves_of(job, ["loss"], attempt=2)
    assert curve.steps[0] > again.resumed_from.step
    actions.cancel(actor_named("owner"), job, utcnow())
    portal.wait_state(job, "cancelled")


def kill_a_rank(job: Job) -> None:
    """SIGKILL to one process that trains."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        ranks = [pid for pid in tagged_processes(job) if is_rank(pid)]
        if ranks:
            os.kill(ranks[-1], signal.SIGKILL)
            return
        time.sleep(0.2)
    raise AssertionError("no rank was found")


def is_rank(pid: int) -> bool:
    """Whether this process is rank 1 of a training."""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes()
        return b"\0RANK=1\0" in variables and b"trainer" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def words_of(job: Job) -> list[str]:
    """Lines of the program itself, without time and source."""
    return [line.text.decode() for _offset, line in queries.log_window(job.attempts.get()).lines()]


def log_of(job: Job) -> str:
    return queries.log_window(job.attempts.get()).data.decode("utf-8", "replace")[-3000:]
