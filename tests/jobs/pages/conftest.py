"""Jobs with attempts as their pages show them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from dcportal.common.changes import create
from dcportal.inventory.models import Node
from jobs.models import Attempt, Checkpoint, Job
from jobs.states import AttemptState, JobState

SECOND = timedelta(seconds=1)


@pytest.fixture
def running(
    submitted: Callable[..., Job], node_with: Callable[..., Node], now: datetime, tmp_path: Any
) -> Callable[..., Attempt]:
    """`running(state="failed", processes=[...])`: the attempt of owner's job on a node with two GPUs."""

    def make(job: Job | None = None, state: str = "running", reason: Any = None, **columns: Any) -> Attempt:
        node = Node.objects.filter(name="n1").first() or node_with("n1", gpus=2)
        job = job or submitted("owner", resources={"ranks": 2, "gpus": 2})
        ended = now + 60 * SECOND if state not in {"running", "stopping"} else None
        Job.objects.filter(pk=job.pk).update(
            state=JobState(state), starting_at=now, running_at=now + SECOND, ended_at=ended, reason=reason
        )
        job.refresh_from_db()
        number = job.attempts.count() + 1
        values = {
            "engine": "fake",
            "accelerator_uuids": ["GPU-n1-0", "GPU-n1-1"],
            "run_dir": str(tmp_path / job.uid / str(number)),
            "starting_at": now,
            "running_at": now + SECOND,
            "ended_at": ended,
            **columns,
        }
        row = Attempt(
            job=job, number=number, tag=f"{job.uid}.{number}", node=node, state=AttemptState(state), **values
        )
        return create(row, now)

    return make


@pytest.fixture
def checkpoint_at(now: datetime) -> Callable[..., Checkpoint]:
    def make(attempt: Attempt, step: int, **columns: Any) -> Checkpoint:
        values = {"path": f"step-{step}", "size_bytes": 1000, "saved_at": now + step * SECOND, **columns}
        return create(Checkpoint(job=attempt.job, attempt=attempt, step=step, **values), now)

    return make
