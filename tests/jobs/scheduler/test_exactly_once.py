"""Crashes at every named point, lost replies, two schedulers: no job lost, none started twice."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from dcportal.common.actors import Actor
from jobs import actions
from jobs.engines.base import State
from jobs.engines.runner.claim import Verdict, claim
from jobs.models import AcceleratorClaim, Attempt, Job, SchedulerLease
from jobs.scheduler import crashpoints, lease
from jobs.scheduler.lease import Fenced, Held, Standby
from tests.jobs.scheduler.conftest import Stage
from tests.jobs.scheduler.scripted import ScriptedEngine

Named = Callable[[str], Actor]


class Crash(BaseException):
    """Stands for SIGKILL within this process: no handler of the scheduler may catch it."""


def crash_at(name: str) -> None:
    def hook(reached: str) -> None:
        if reached == name:
            crashpoints.hook = None
            raise Crash

    crashpoints.hook = hook


def drive(stage: Stage, engine: ScriptedEngine, ticks: int) -> None:
    """Tick on; whatever runs at the engine ends well after a while; a crash restarts the scheduler."""
    for number in range(ticks):
        try:
            stage.tick()
        except Crash:
            stage.restart()
        for tag, report in list(engine.reports.items()):
            if report.state is State.PENDING and number % 2:
                engine.becomes(tag, State.RUNNING)
            elif report.state is State.RUNNING and number % 2:
                engine.ends(tag)
            elif report.state is State.STOPPING and number % 3 == 2:
                engine.ends(tag, 143, State.CANCELLED)


@pytest.mark.django_db
@pytest.mark.parametrize("point", crashpoints.NAMES)
def test_a_crash_loses_no_job_and_starts_none_twice(
    point: str,
    stage: Stage,
    engine: ScriptedEngine,
    node_with: Callable[..., Any],
    submitted: Callable[..., Job],
    actor_named: Named,
) -> None:
    node_with("n1", gpus=2)
    jobs = [submitted(name=f"j{i}", resources={"gpus": 1}) for i in range(4)]
    crash_at(point)
    drive(stage, engine, 3)
    actions.cancel(actor_named("owner"), Job.objects.get(pk=jobs[3].pk), stage.now)
    drive(stage, engine, 16)
    ended = {job.name: job.state for job in Job.objects.all()}
    assert set(ended.values()) <= {"succeeded", "cancelled"}, ended
    assert len(engine.starts) == len(set(engine.starts))
    assert not AcceleratorClaim.objects.filter(to_at=None).exists()
    assert all(
        sorted(job.events.values_list("seq", flat=True)) == list(range(1, job.event_seq + 1))
        for job in Job.objects.all()
    )


@pytest.mark.django_db
def test_a_lost_submit_reply_starts_the_job_once(
    stage: Stage, engine: ScriptedEngine, node_with: Callable[..., Any], submitted: Callable[..., Job]
) -> None:
    node_with()
    job = submitted()
    engine.lose_reply = True
    stage.tick(3)
    assert engine.starts == [f"{job.uid}.1"]
    assert Attempt.objects.get().state == "submitted"


@pytest.mark.django_db
def test_a_job_cancelled_while_its_submission_is_uncertain_can_never_start(
    stage: Stage,
    engine: ScriptedEngine,
    node_with: Callable[..., Any],
    submitted: Callable[..., Job],
    actor_named: Named,
    state_of: Callable[[Job], str],
) -> None:
    node_with()
    job = submitted()
    engine.is_down = True
    stage.tick(2)
    assert state_of(job) == "starting"
    actions.cancel(actor_named("owner"), job, stage.now)
    stage.tick()
    assert state_of(job) == "cancelled"
    late = claim(Path(Attempt.objects.get().run_dir) / "control/claim", "arrives-late")
    assert late is Verdict.DUPLICATE


@pytest.mark.django_db
def test_a_job_that_has_claimed_its_start_is_stopped_not_barred(
    stage: Stage,
    engine: ScriptedEngine,
    node_with: Callable[..., Any],
    submitted: Callable[..., Job],
    actor_named: Named,
    state_of: Callable[[Job], str],
) -> None:
    node_with()
    job = submitted()
    engine.lose_reply = True
    stage.tick()
    folder = Path(Attempt.objects.get().run_dir) / "control"
    folder.mkdir(parents=True)
    claim(folder / "claim", "id")
    actions.cancel(actor_named("owner"), job, stage.now)
    stage.tick(3)
    assert state_of(job) == "stopping"
    assert engine.cancels == [(f"{job.uid}.1", "cancelled")]


@pytest.mark.django_db
def test_a_stale_scheduler_is_fenced(
    stage: Stage,
    engine: ScriptedEngine,
    node_with: Callable[..., Any],
    submitted: Callable[..., Job],
    state_of: Callable[[Job], str],
) -> None:
    node_with()
    stale = stage.scheduler
    stage.restart()
    job = submitted()
    with pytest.raises(Fenced):
        stale.tick(stage.now)
    assert state_of(job) == "queued"
    assert engine.starts == []


@pytest.mark.django_db
def test_a_fenced_transaction_writes_nothing(
    stage: Stage, submitted: Callable[..., Job], state_of: Callable[[Job], str]
) -> None:
    job, old = submitted(), stage.lease
    stage.restart()
    with pytest.raises(Fenced), old.transaction(stage.now):
        actions.move_job(job, "starting", stage.now)
    assert state_of(job) == "queued"


@pytest.mark.django_db
def test_a_second_scheduler_does_not_get_the_lock(stage: Stage, tmp_path: Path) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("file locks are for SQLite")
    with pytest.raises(Held):
        lease.acquire(stage.now, tmp_path / "scheduler.lock")


@pytest.mark.django_db
def test_a_standby_takes_over_only_when_the_counter_stands_still(stage: Stage) -> None:
    standby = Standby()
    assert not standby.may_take_over(0.0)
    assert not standby.may_take_over(10.0)
    stage.lease.renew(stage.now)
    assert not standby.may_take_over(20.0)
    assert standby.may_take_over(20.0 + lease.TAKEOVER_SECONDS)


@pytest.mark.django_db
def test_each_holder_has_a_higher_epoch(stage: Stage) -> None:
    first = stage.lease.epoch
    stage.restart()
    assert stage.lease.epoch == first + 1 == SchedulerLease.objects.get().epoch


def test_a_named_crash_point_kills_the_process() -> None:
    program = "from jobs.scheduler.crashpoints import reached; reached('after_submit'); print('alive')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "DCP_CRASH_AT": "after_submit"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (-9, b"")
