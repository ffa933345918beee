"""A portal of its own in a folder: real scheduler processes, real local engine, real interpreters."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from dcportal.common.changes import create
from dcportal.inventory.models import Node
from jobs.models import Job

REPOSITORY = Path(__file__).resolve().parents[3]
DEADLINE_SECONDS = 180.0


class Portal:
    """The test's database and the schedulers that work on it."""

    def __init__(self, runs: Path, log: Path) -> None:
        self.runs, self._log = runs, log
        self._output = log.open("ab")
        self._running: list[subprocess.Popen[bytes]] = []

    def start_scheduler(self, **environment: str) -> subprocess.Popen[bytes]:
        """`manage.py run_scheduler` on the test's database, in a process of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.jobs.whole.scheduler"],
            cwd=REPOSITORY,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.settings",
                "DCP_DATA_DIR": str(settings.DATA_DIR),
                "DCP_RUNS_DIR": str(self.runs),
                "DCP_TEST_DATABASE": str(connection.settings_dict["NAME"]),
                "DCP_CANCEL_GRACE_SECONDS": "3",
                **environment,
            },
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._running.append(process)
        return process

    def wait_for(self, job: Job, condition: Callable[[Job], bool], what: str) -> Job:
        """Until `condition` holds; fails with the scheduler's log."""
        until = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < until:
            job.refresh_from_db()
            if condition(job):
                return job
            time.sleep(0.2)
        log = self._log.read_text(errors="replace")[-4000:]
        raise AssertionError(f"{job.name} never {what}: {job.state} {job.reason}\n{log}")

    def wait_state(self, job: Job, *states: str) -> Job:
        return self.wait_for(job, lambda found: found.state in states, f"reached {states}")

    def close(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(30)
        self._output.close()


@pytest.fixture
def portal(transactional_db: None, tmp_path: Path, settings: Any) -> Iterator[Portal]:
    if not Path(os.environ.get("DCP_TRAINER_PYTHON", REPOSITORY / ".venv-trainer/bin/python")).exists():
        pytest.skip("the trainer's environment is not installed here")
    settings.RUNS_DIR = tmp_path / "runs"
    now = datetime.now(UTC)
    create(
        Node(name="here", admission="accepted", launch_engine="local", cpu_count=4, memory_bytes=8 * 2**30),
        now,
    )
    made = Portal(tmp_path / "runs", tmp_path / "scheduler.log")
    yield made
    made.close()
