"""A job's way from queued to its end, as the scheduler drives it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dcportal.accounts.models import User
from dcportal.common.actors import Actor
from dcportal.notify.models import Notice
from jobs import actions
from jobs.engines.base import State, StopProgress
from jobs.models import AcceleratorClaim, Attempt, Checkpoint, Decision, EngineStatus, Job
from tests.jobs.scheduler.conftest import Stage
from tests.jobs.scheduler.scripted import T0, ScriptedEngine, process

pytestmark = pytest.mark.django_db
Named = Callable[[str], Actor]
Running = Callable[..., tuple[Job, Attempt]]


def events(job: Job) -> list[str]:
    return list(job.events.order_by("seq").values_list("code", flat=True))


def test_a_job_goes_from_queued_to_succeeded(
    stage: Stage, engine: ScriptedEngine, running: Running, state_of: Callable[[Job], str]
) -> None:
    job, attempt = running(resources={"gpus": 2})
    assert (job.state, attempt.state) == ("running", "running")
    engine.ends(attempt.tag)
    stage.tick()
    attempt.refresh_from_db()
    assert (state_of(job), attempt.state, attempt.cause["code"]) == ("succeeded", "succeeded", "done")
    assert events(job) == ["job_queued", "job_placed", "attempt_submitted", "job_running", "job_succeeded"]
    assert job.queued_at < job.starting_at <= job.running_at < job.ended_at


def test_a_job_that_ended_while_nobody_looked_is_not_longer_for_it(
    stage: Stage, engine: ScriptedEngine, running: Running
) -> None:
    job, attempt = running(resources={"gpus": 2})
    ended_at = stage.now + timedelta(seconds=5)
    engine.ends(attempt.tag, ended_at=ended_at)
    stage.tick(seconds=3600)
    job.refresh_from_db()
    attempt.refresh_from_db()
    released = set(AcceleratorClaim.objects.values_list("to_at", flat=True))
    assert (job.ended_at, attempt.ended_at, released) == (ended_at, ended_at, {ended_at})


@pytest.mark.parametrize("off_by", [timedelta(days=-1), timedelta(days=1)])
def test_a_node_s_wrong_clock_does_not_end_a_job_before_it_began_or_in_the_future(
    off_by: timedelta, stage: Stage, engine: ScriptedEngine, running: Running
) -> None:
    job, attempt = running()
    engine.ends(attempt.tag, ended_at=stage.now + off_by)
    stage.tick(seconds=10)
    job.refresh_from_db()
    assert job.running_at <= job.ended_at <= stage.now


def test_the_engine_gets_the_accelerators_by_uuid(engine: ScriptedEngine, running: Running) -> None:
    _job, attempt = running(resources={"gpus": 2})
    request = engine.requests[attempt.tag]
    assert request.accelerator_uuids == ("GPU-n1-0", "GPU-n1-1") == tuple(attempt.accelerator_uuids)
    assert request.ranks == 2
    assert request.command == ("python", "train.py")


def test_accelerators_are_free_again_after_the_end(
    stage: Stage, engine: ScriptedEngine, running: Running
) -> None:
    _job, attempt = running(resources={"gpus": 2})
    assert AcceleratorClaim.objects.filter(to_at=None).count() == 2
    engine.ends(attempt.tag)
    stage.tick()
    assert not AcceleratorClaim.objects.filter(to_at=None).exists()


def test_accelerators_are_never_over_booked(
    stage: Stage, engine: ScriptedEngine, node_with: Callable[..., Any], submitted: Callable[..., Job]
) -> None:
    node_with("n1", gpus=4)
    jobs = [submitted(name=f"j{i}", resources={"gpus": 2}) for i in range(4)]
    for _ in range(12):
        stage.tick()
        taken = list(AcceleratorClaim.objects.filter(to_at=None).values_list("accelerator_uuid", flat=True))
        assert len(taken) == len(set(taken)) <= 4
        for tag in [tag for tag, report in engine.reports.items() if not report.state.is_final][:1]:
            engine.ends(tag)
    assert {job.state for job in Job.objects.filter(pk__in=[j.pk for j in jobs])} == {"succeeded"}
    assert len(engine.starts) == 4


def test_a_waiting_job_says_why(stage: Stage, running: Running, submitted: Callable[..., Job]) -> None:
    running(resources={"gpus": 4})
    waiting = submitted(resources={"gpus": 2})
    stage.tick(3)
    waiting.refresh_from_db()
    assert waiting.reason["code"] == "waiting_for_gpus"
    assert waiting.reason["params"]["wanted"] == 2
    assert Decision.objects.filter(job=waiting).count() == 1


def test_a_held_job_does_not_start_and_a_released_one_does(
    stage: Stage,
    engine: ScriptedEngine,
    submitted: Callable[..., Job],
    node_with: Callable[..., Any],
    actor_named: Named,
    state_of: Callable[[Job], str],
) -> None:
    node_with()
    job = submitted()
    actions.hold(actor_named("owner"), job, stage.now)
    stage.tick(2)
    assert state_of(job) == "held"
    assert job.reason == {"code": "held_by", "params": {"by": "owner"}, "v": 1}
    actions.release(actor_named("owner"), job, stage.now)
    stage.tick(2)
    assert state_of(job) == "starting"


def test_a_waiting_job_is_cancelled_at_once(
    stage: Stage, submitted: Callable[..., Job], actor_named: Named, state_of: Callable[[Job], str]
) -> None:
    job = submitted()
    actions.cancel(actor_named("owner"), job, stage.now)
    stage.tick()
    assert state_of(job) == "cancelled"
    assert job.reason["code"] == "cancelled_before_start"


def test_a_cancelled_job_stays_stopping_until_no_process_is_left(
    stage: Stage,
    engine: ScriptedEngine,
    running: Running,
    actor_named: Named,
    state_of: Callable[[Job], str],
) -> None:
    job, attempt = running()
    actions.cancel(actor_named("owner"), job, stage.now)
    stage.tick(3)
    assert state_of(job) == "stopping"
    assert engine.cancels == [(attempt.tag, "cancelled")]
    half = StopProgress(T0, 30, "cancelled", None, (process(10, T0, TERM=T0), process(11, TERM=T0)))
    engine.becomes(attempt.tag, State.STOPPING, stop=half)
    stage.tick(5)
    assert state_of(job) == "stopping"
    attempt.refresh_from_db()
    assert [each["gone_at"] is None for each in attempt.stop["processes"]] == [False, True]
    gone = StopProgress(T0, 30, "cancelled", None, (process(10, T0, TERM=T0), process(11, T0, TERM=T0)))
    engine.ends(attempt.tag, 143, State.CANCELLED, stop=gone)
    stage.tick()
    assert (state_of(job), job.reason["code"]) == ("cancelled", "cancelled")
    assert events(job).count("process_gone") == 2
    assert events(job)[-1] == "job_cancelled"


def test_a_job_that_finished_before_the_cancel_took_hold_has_succeeded(
    stage: Stage,
    engine: ScriptedEngine,
    running: Running,
    actor_named: Named,
    state_of: Callable[[Job], str],
) -> None:
    job, attempt = running()
    actions.cancel(actor_named("owner"), job, stage.now)
    engine.ends(attempt.tag)
    stage.tick(2)
    assert state_of(job) == "succeeded"


def test_a_failed_job_is_retried_as_often_as_it_asked(
    stage: Stage, engine: ScriptedEngine, running: Running, state_of: Callable[[Job], str]
) -> None:
    job, attempt = running(job={"name": "flaky", "max_retries": 1})
    engine.ends(attempt.tag, 1)
    stage.tick()
    assert (state_of(job), job.retries_used) == ("queued", 1)
    stage.tick(seconds=1)
    assert Attempt.objects.filter(job=job).count() == 1
    stage.tick(2, seconds=10)
    second = Attempt.objects.get(job=job, number=2)
    engine.ends(second.tag, 1)
    stage.tick()
    assert (state_of(job), job.reason["code"]) == ("failed", "exit_code")


def test_a_wrong_configuration_is_not_retried(
    stage: Stage, engine: ScriptedEngine, running: Running, state_of: Callable[[Job], str]
) -> None:
    job, attempt = running(job={"name": "wrong", "max_retries": 5})
    engine.ends(attempt.tag, 65)
    stage.tick()
    assert (state_of(job), job.reason["code"]) == ("failed", "bad_config_or_data")


def test_a_lost_attempt_is_queued_again_without_costing_a_retry(
    stage: Stage, engine: ScriptedEngine, running: Running, state_of: Callable[[Job], str]
) -> None:
    job, attempt = running()
    engine.ends(attempt.tag, state=State.LOST)
    stage.tick()
    attempt.refresh_from_db()
    assert state_of(job) == "starting"
    assert (attempt.state, job.retries_used, job.requeues_used) == ("lost", 0, 1)
    assert "job_requeued" in events(job)


def test_losing_it_again_and_again_ends_it(
    stage: Stage, engine: ScriptedEngine, running: Running, state_of: Callable[[Job], str]
) -> None:
    job, _attempt = running()
    for number in range(1, 8):
        if f"{job.uid}.{number}" in engine.reports:
            engine.ends(f"{job.uid}.{number}", state=State.LOST)
        stage.tick(3)
    assert (state_of(job), job.reason["code"]) == ("failed", "requeue_limit")
    assert len(engine.starts) == 6


def test_a_further_attempt_resumes_from_the_newest_checkpoint_that_is_there(
    stage: Stage, engine: ScriptedEngine, running: Running
) -> None:
    job, attempt = running()
    for step in (10, 20):
        Checkpoint.objects.create(
            job=job,
            attempt=attempt,
            step=step,
            path=f"checkpoints/{step}",
            saved_at=stage.now,
            created_at=stage.now,
            updated_at=stage.now,
        )
    kept = Path(attempt.run_dir) / "work/checkpoints/10"
    kept.mkdir(parents=True)
    engine.ends(attempt.tag, state=State.LOST)
    stage.tick(3)
    assert engine.requests[f"{job.uid}.2"].resume_from == kept


def test_an_unreachable_engine_fails_nothing(
    stage: Stage, engine: ScriptedEngine, running: Running, state_of: Callable[[Job], str]
) -> None:
    job, _attempt = running()
    engine.is_down = True
    stage.tick(5)
    assert state_of(job) == "running"
    assert job.engine_unreachable_since is not None
    engine.is_down = False
    stage.tick()
    assert state_of(job) == "running"
    assert job.engine_unreachable_since is None
    assert events(job)[-2:] == ["engine_unreachable", "engine_back"]


def test_an_attempt_that_its_engine_forgot_is_lost_after_three_looks(
    stage: Stage, engine: ScriptedEngine, running: Running
) -> None:
    _job, attempt = running()
    engine.forgets(attempt.tag)
    stage.tick(2)
    attempt.refresh_from_db()
    assert attempt.state == "running"
    stage.tick(1)
    attempt.refresh_from_db()
    assert (attempt.state, attempt.cause["code"]) == ("lost", "engine_lost")


def test_a_refused_request_fails_with_its_pointer(
    stage: Stage,
    engine: ScriptedEngine,
    submitted: Callable[..., Job],
    node_with: Callable[..., Any],
    state_of: Callable[[Job], str],
) -> None:
    node_with()
    engine.refuse = True
    job = submitted(job={"name": "x", "max_retries": 3})
    stage.tick(2)
    assert state_of(job) == "failed"
    assert (job.reason["code"], job.reason["params"]["pointer"]) == ("no_such_folder", "/code/path")
    assert not AcceleratorClaim.objects.filter(to_at=None).exists()


def test_secrets_reach_the_engine_and_nothing_else(
    stage: Stage,
    engine: ScriptedEngine,
    actor_named: Named,
    a_request: Callable[..., Any],
    node_with: Callable[..., Any],
) -> None:
    node_with()
    actions.add_secret(actor_named("owner"), "API_KEY", "canary-77", stage.now)
    job = actions.submit(actor_named("owner"), a_request(secrets={"names": ["API_KEY"]}), stage.now)
    stage.tick(2)
    assert engine.requests[f"{job.uid}.1"].secrets == {"API_KEY": "canary-77"}
    assert "canary-77" not in repr(engine.requests[f"{job.uid}.1"])


@pytest.mark.parametrize(("who", "state"), [("owner", "failed"), ("admin", "starting")])
def test_without_isolation_only_administrators_jobs_start(
    who: str,
    state: str,
    stage: Stage,
    person: Callable[[str], User],
    submitted: Callable[..., Job],
    node_with: Callable[..., Any],
    state_of: Callable[[Job], str],
) -> None:
    node_with()
    job = submitted("owner")
    Job.objects.filter(pk=job.pk).update(owner=person(who))
    stage.tick()
    EngineStatus.objects.update(is_isolated=False)
    Attempt.objects.all().delete()
    Job.objects.filter(pk=job.pk).update(state="queued", attempts_made=1)
    stage.tick(2)
    assert state_of(job) == state


def test_not_before_is_kept(
    stage: Stage, submitted: Callable[..., Job], node_with: Callable[..., Any], state_of: Callable[[Job], str]
) -> None:
    node_with()
    start = (stage.now + timedelta(minutes=5)).isoformat()
    job = submitted(job={"name": "later", "not_before": start})
    stage.tick(2)
    assert (state_of(job), job.reason["code"]) == ("queued", "not_before")
    stage.tick(seconds=400)
    assert state_of(job) == "starting"


def test_the_end_is_told_to_the_owner(stage: Stage, engine: ScriptedEngine, running: Running) -> None:
    job, attempt = running()
    engine.ends(attempt.tag)
    stage.tick()
    notice = Notice.objects.get()
    assert (notice.user, notice.payload["state"]) == (job.owner, "succeeded")


def test_engines_are_probed(stage: Stage) -> None:
    stage.tick()
    assert EngineStatus.objects.get().name == "fake"


def test_a_quiet_tick_writes_nothing(
    stage: Stage, running: Running, django_assert_max_num_queries: Any
) -> None:
    running()
    stage.tick(2)
    stage.scheduler._renewed_at = stage.now + timedelta(hours=1)
    with django_assert_max_num_queries(14) as seen:
        stage.tick()
    writes = [query["sql"] for query in seen if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert writes == []
