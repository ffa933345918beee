"""What jobs tells monitoring, and learns from it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from dcportal.common.changes import create
from dcportal.inventory.models import Node
from jobs.models import AcceleratorClaim, Attempt, Job
from jobs.telemetry import MonitoringTelemetry
from monitoring import actions, queries
from monitoring.protocol import Process

pytestmark = pytest.mark.django_db


@pytest.fixture
def attempt(submitted: Callable[..., Job], node_with: Callable[..., Node], now: datetime) -> Attempt:
    job = submitted()
    fields = {"node": node_with(gpus=1), "accelerator_uuids": ["GPU-x"], "run_dir": "/nowhere"}
    made = create(Attempt(job=job, number=1, tag=f"{job.uid}.1", engine="fake", **fields), now)
    AcceleratorClaim.objects.create(attempt=made, accelerator_uuid="GPU-x", from_at=now)
    return made


def seen(now: datetime, *processes: Process) -> dict[str, list[int]]:
    actions.note_processes("n1", list(processes), now)
    found = MonitoringTelemetry().foreign_processes()
    return {uuid: [each.pid for each in rows] for uuid, rows in found.items()}


def test_an_attempt_is_seen_on_its_gpu_until_it_lets_go(attempt: Attempt, now: datetime) -> None:
    port = MonitoringTelemetry()
    port.occupy(attempt, now)
    assert queries.occupancy_by_accelerator()["GPU-x"].job_uid == attempt.job.uid
    port.release(attempt, now + timedelta(seconds=5))
    assert queries.occupancy_by_accelerator() == {}


def test_a_record_left_over_does_not_stop_a_start(attempt: Attempt, now: datetime) -> None:
    actions.occupy(
        job_uid="old", attempt=1, owner="u", team="t", node_uid="n1", accelerator_uuids=["GPU-x"], now=now
    )
    MonitoringTelemetry().occupy(attempt, now)
    assert queries.occupancy_by_accelerator()["GPU-x"].job_uid == attempt.job.uid


def test_a_process_without_a_jobs_tag_is_foreign(attempt: Attempt, now: datetime) -> None:
    own = Process(pid=1, accelerator="GPU-x", job_tag=attempt.tag)
    other = Process(pid=2, accelerator="GPU-x")
    alone = Process(pid=3, accelerator="GPU-y")
    assert seen(now, own, other, alone) == {"GPU-x": [2], "GPU-y": [3]}


def test_display_servers_are_not_foreign(attempt: Attempt, now: datetime) -> None:
    assert seen(now, Process(pid=4, accelerator="GPU-x", kind="graphics")) == {}
