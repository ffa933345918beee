"""Jobs that need the trainer's environment while it is being installed."""

from collections.abc import Callable
from typing import Any

import pytest

from dcportal.setup import trainer_status
from dcportal.setup.trainer_status import TrainerStatus
from jobs import builtin, torch_check
from jobs.models import Environment, Job
from jobs.scheduler import snapshot
from tests.jobs.scheduler.conftest import Stage

pytestmark = pytest.mark.django_db


def test_a_job_waits_for_the_trainer_and_says_so(
    stage: Stage, submitted: Callable[..., Job], node_with: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    node_with()
    builtin.ensure(stage.now)
    monkeypatch.setattr(snapshot, "is_installed", lambda interpreter: False)
    job = submitted()
    stage.tick(2)
    job.refresh_from_db()
    assert (job.state, job.reason["code"]) == ("queued", "trainer_being_installed")
    monkeypatch.setattr(snapshot, "is_installed", lambda interpreter: True)
    stage.tick()
    job.refresh_from_db()
    assert job.state == "starting"


@pytest.mark.parametrize(
    ("status", "installed"),
    [
        (None, True),
        (TrainerStatus(phase="ready"), True),
        (TrainerStatus(phase="external"), True),
        (TrainerStatus(phase="failed"), True),
        (TrainerStatus(phase="downloading", pid=1), False),
        (TrainerStatus(phase="downloading", pid=None), True),
    ],
)
def test_when_the_trainer_counts_as_installed(
    status: TrainerStatus | None, installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer_status, "read", lambda: status)
    assert snapshot.is_installed("/bin/sh") is installed
    assert snapshot.is_installed("/no/such/python") is False


def test_the_environment_is_asked_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    builtin.ensure(stage.now)
    asked: list[str] = []

    def examine(interpreter: str) -> dict[str, Any]:
        asked.append(interpreter)
        return {"torch": "2.13", "is_cuda_usable": False, "error": ""}

    monkeypatch.setattr(torch_check, "examine", examine)
    monkeypatch.setattr("jobs.scheduler.trainer_check.is_installed", lambda interpreter: True)
    monkeypatch.setattr(trainer_status, "read", lambda: None)
    check = stage.scheduler.chores._trainer
    check.look(stage.lease, stage.now)
    assert check._running is not None
    check._running.result(10)
    for _ in range(3):
        check.look(stage.lease, stage.now)
    assert len(asked) == 1
    assert Environment.objects.get(is_default=True).check_result["torch"] == "2.13"
