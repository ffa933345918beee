"""Hold, release, cancel, priority: who may, when, and what stays behind."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from dcportal.audit.models import AuditEntry
from dcportal.common.actors import Actor
from dcportal.common.problems import Conflict, Forbidden, Invalid
from jobs import actions
from jobs.access import jobs_visible_to
from jobs.models import Job
from jobs.states import Desired, JobState

pytestmark = pytest.mark.django_db
Named = Callable[[str], Actor]
VERBS = {"hold": actions.hold, "release": actions.release, "cancel": actions.cancel}


def in_state(job: Job, state: str) -> Job:
    Job.objects.filter(pk=job.pk).update(state=state)
    job.state = state
    return job


@pytest.mark.parametrize("who", ["owner", "lead", "operator", "admin"])
def test_owner_and_operators_may_cancel(
    who: str, submitted: Callable[..., Job], actor_named: Named, now: datetime
) -> None:
    job = submitted("owner")
    actions.cancel(actor_named(who), job, now)
    job.refresh_from_db()
    assert (job.desired, job.desired_by, job.state) == (Desired.STOP, who, JobState.QUEUED)


@pytest.mark.parametrize("who", ["teammate", "viewer"])
@pytest.mark.parametrize("verb", VERBS)
def test_others_of_the_team_may_look_but_not_touch(
    who: str, verb: str, submitted: Callable[..., Job], actor_named: Named, now: datetime
) -> None:
    job = submitted("owner")
    assert jobs_visible_to(actor_named(who)).filter(pk=job.pk).exists()
    with pytest.raises(Forbidden):
        VERBS[verb](actor_named(who), job, now)
    job.refresh_from_db()
    assert job.desired == Desired.RUN


def test_strangers_do_not_see_the_job(submitted: Callable[..., Job], actor_named: Named) -> None:
    job = submitted("owner")
    assert not jobs_visible_to(actor_named("stranger")).filter(pk=job.pk).exists()


@pytest.mark.parametrize("state", ["starting", "running", "stopping", "succeeded", "failed", "cancelled"])
@pytest.mark.parametrize("verb", ["hold", "release"])
def test_a_started_job_can_be_neither_held_nor_released(
    verb: str, state: str, submitted: Callable[..., Job], actor_named: Named, now: datetime
) -> None:
    job = in_state(submitted(), state)
    Job.objects.filter(pk=job.pk).update(desired="run" if verb == "hold" else "hold")
    with pytest.raises(Conflict):
        VERBS[verb](actor_named("owner"), job, now)


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled"])
def test_an_ended_job_cannot_be_cancelled(
    state: str, submitted: Callable[..., Job], actor_named: Named, now: datetime
) -> None:
    job = in_state(submitted(), state)
    with pytest.raises(Conflict) as refusal:
        actions.cancel(actor_named("owner"), job, now)
    assert refusal.value.params == {"state": state}


def test_cancelling_twice_is_cancelling_once(
    submitted: Callable[..., Job], actor_named: Named, now: datetime
) -> None:
    job = submitted()
    for _ in range(2):
        actions.cancel(actor_named("owner"), job, now)
    assert AuditEntry.objects.filter(verb="job.cancel").count() == 1


def test_a_job_that_is_being_cancelled_cannot_be_released(
    submitted: Callable[..., Job], actor_named: Named, now: datetime
) -> None:
    job = submitted()
    actions.cancel(actor_named("owner"), job, now)
    with pytest.raises(Conflict):
        actions.release(actor_named("owner"), job, now)


def test_an_old_revision_cannot_cancel(
    submitted: Callable[..., Job], actor_named: Named, now: datetime
) -> None:
    job = submitted()
    seen = job.revision
    actions.set_priority(actor_named("owner"), job, 5, now)
    with pytest.raises(Conflict) as refusal:
        actions.cancel(actor_named("owner"), job, now, expected=seen)
    assert refusal.value.code == "changed_meanwhile"


@pytest.mark.parametrize("value", [1001, -1001, True, "1", None, 2**70])
def test_a_wrong_priority_is_refused(
    value: Any, submitted: Callable[..., Job], actor_named: Named, now: datetime
) -> None:
    with pytest.raises(Invalid):
        actions.set_priority(actor_named("owner"), submitted(), value, now)


def test_many_are_cancelled_and_each_refusal_is_named(
    submitted: Callable[..., Job], actor_named: Named, now: datetime
) -> None:
    mine, ended = submitted(), in_state(submitted(), "succeeded")
    foreign = submitted("stranger", name="foreign")
    answer = actions.cancel_many(actor_named("owner"), [mine.uid, ended.uid, foreign.uid, "nope"], now)
    assert [row["uid"] for row in answer["cancelled"]] == [mine.uid]
    assert [row["code"] for row in answer["skipped"]] == ["job_is", "not_found", "not_found"]


def test_a_move_that_comes_too_late_changes_nothing(submitted: Callable[..., Job], now: datetime) -> None:
    job = submitted()
    stale = Job.objects.get(pk=job.pk)
    assert actions.move_job(job, JobState.STARTING, now)
    assert not actions.move_job(stale, JobState.CANCELLED, now)
    job.refresh_from_db()
    assert job.state == JobState.STARTING


def test_a_terminal_state_is_never_overwritten(submitted: Callable[..., Job], now: datetime) -> None:
    job = in_state(submitted(), "succeeded")
    assert not any(actions.move_job(job, state, now) for state in JobState.values)
