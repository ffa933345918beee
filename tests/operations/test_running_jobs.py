"""Jobs outlive the portal; it names them when it stops, and stops them only when asked to."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from dcportal.common.actors import Actor
from dcportal.operations import running_jobs
from dcportal.operations.supervision import Supervisor
from jobs import actions
from jobs.models import Job


@pytest.fixture(autouse=True)
def keep_connection(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> None:
    """The test's transaction lives on this connection."""
    monkeypatch.setattr(running_jobs.connections, "close_all", lambda: None)
    settings.DATA_DIR = tmp_path


@pytest.fixture
def running(actor_named: Callable[[str], Actor], now: datetime) -> Callable[[str], Job]:
    def make(name: str) -> Job:
        job = actions.submit(
            actor_named("owner"), {"job": {"name": name}, "command": ["python", "train.py"]}, now
        )
        Job.objects.filter(pk=job.pk).update(state="running")
        return job

    return make


def test_jobs_that_go_on_are_named_with_the_command_that_stops_them(running: Callable[[str], Job]) -> None:
    job = running("digits")

    lines = list(running_jobs.farewell())

    assert any(job.uid in line and "digits" in line for line in lines)
    assert lines[-1].endswith("manage.py portal --stop-jobs")


def test_many_jobs_are_counted_not_listed(running: Callable[[str], Job]) -> None:
    for number in range(running_jobs.NAMED + 2):
        running(f"job {number}")

    lines = list(running_jobs.farewell())

    assert "  ... and 2 more" in lines
    assert len(lines) == running_jobs.NAMED + 3


@pytest.mark.django_db
def test_without_jobs_nothing_is_said() -> None:
    assert list(running_jobs.farewell()) == []


def test_stop_jobs_asks_each_and_waits_until_it_is_gone(
    running: Callable[[str], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = running("digits")
    said: list[str] = []

    def schedule(supervisor: Supervisor, until: Callable[[], bool]) -> None:
        assert "--starts-nothing" in supervisor.children[0].program.command
        assert not until()
        Job.objects.filter(pk=job.pk).update(state="cancelled")
        assert until()

    monkeypatch.setattr(Supervisor, "run", schedule)

    running_jobs.stop_all(said.append)

    job.refresh_from_db()
    assert job.desired == "stop"
    assert said == [
        f"asked to stop: {job.uid}  digits",
        "waiting for 1 job(s) to be gone",
        "no job is running",
    ]
