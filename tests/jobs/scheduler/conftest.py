"""A scheduler over the scripted engine; `tick()` moves its clock on by a second."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.engines import registry
from jobs.models import Attempt, Job
from jobs.scheduler import crashpoints, lease
from jobs.scheduler.loop import Scheduler
from tests.jobs.scheduler.scripted import ScriptedEngine


@pytest.fixture
def engine() -> Iterator[ScriptedEngine]:
    known = {name: registry.get(name) for name in registry.names()}
    registry.clear()
    made = ScriptedEngine()
    registry.register(made)
    yield made
    registry.clear()
    for each in known.values():
        registry.register(each)


@pytest.fixture(autouse=True)
def _runs_folder(settings: Any, tmp_path: Path) -> None:
    settings.RUNS_DIR = tmp_path / "runs"


@pytest.fixture(autouse=True)
def _no_crash() -> Iterator[None]:
    yield
    crashpoints.hook = None


class Stage:
    """The scheduler under test and its clock."""

    def __init__(self, now: datetime, lock_file: Path) -> None:
        self.now = now
        self._lock_file = lock_file
        self.restart()

    def restart(self) -> None:
        """A new process: nothing remembered, the lease taken anew."""
        if hasattr(self, "lease"):
            self.lease.give_up()
        self.lease = lease.acquire(self.now, self._lock_file)
        self.scheduler = Scheduler(self.lease)

    def tick(self, times: int = 1, seconds: float = 1.0) -> None:
        for _ in range(times):
            self.now += timedelta(seconds=seconds)
            self.scheduler._followed_at.clear()
            self.scheduler.follower._artifacts_at.clear()
            self.scheduler.stopper._asked.clear()
            self.scheduler.tick(self.now)


@pytest.fixture
def stage(db: None, engine: ScriptedEngine, now: datetime, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(now, tmp_path / "scheduler.lock")
    yield made
    made.lease.give_up()


@pytest.fixture
def state_of() -> Callable[[Job], str]:
    def read(job: Job) -> str:
        job.refresh_from_db()
        return job.state

    return read


@pytest.fixture
def running(
    stage: Stage, engine: ScriptedEngine, submitted: Callable[..., Job], node_with: Callable[..., Any]
) -> Callable[..., tuple[Job, Attempt]]:
    """A job that the engine says is running, and its attempt."""
    from dcportal.inventory.models import Node
    from jobs.engines.base import State

    def make(**sections: Any) -> tuple[Job, Attempt]:
        if not Node.objects.exists():
            node_with("n1", gpus=4)
        job = submitted(**sections)
        stage.tick(2)
        tag = f"{job.uid}.1"
        engine.becomes(tag, State.RUNNING)
        stage.tick()
        job.refresh_from_db()
        return job, Attempt.objects.get(tag=tag)

    return make
