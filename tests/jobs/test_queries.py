"""What lists, job pages and charts read."""

import struct
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from dcportal.common.actors import Actor
from dcportal.common.problems import Invalid, NotFound
from jobs import actions, board, queries
from jobs.models import AcceleratorClaim, Attempt, CurveBlock, Job
from jobs.states import JobState

pytestmark = pytest.mark.django_db
Named = Callable[[str], Actor]


def attempt_of(job: Job, now: datetime, number: int = 1) -> Attempt:
    row = Attempt(
        job=job, number=number, tag=f"{job.uid}.{number}", engine="fake", created_at=now, updated_at=now
    )
    row.save()
    return row


def block(job: Job, points: list[tuple[int, float]], attempt: int = 1, index: int = 0) -> CurveBlock:
    steps = [step for step, _ in points]
    return CurveBlock.objects.create(
        job=job,
        attempt=attempt,
        metric="loss",
        index=index,
        num_points=len(points),
        first_step=min(steps),
        last_step=max(steps),
        steps=struct.pack(f"<{len(points)}q", *steps),
        times=struct.pack(f"<{len(points)}d", *[float(step) for step in steps]),
        values=struct.pack(f"<{len(points)}d", *[value for _, value in points]),
    )


def test_the_list_holds_own_jobs_and_those_of_the_team(
    submitted: Callable[..., Job], actor_named: Named
) -> None:
    mine, team, foreign = submitted("owner"), submitted("teammate"), submitted("stranger")
    seen = {job.uid for job in queries.jobs_list(actor_named("owner"))}
    assert seen == {mine.uid, team.uid}
    assert foreign in queries.jobs_list(actor_named("operator"))


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"state": "running"}, {"b"}),
        ({"state": "waiting"}, {"a", "c"}),
        ({"state": "running,queued"}, {"a", "b", "c"}),
        ({"owner": "me"}, {"a", "b"}),
        ({"owner": "teammate"}, {"c"}),
        ({"q": "A"}, {"a"}),
        ({"team": "research"}, {"a", "b", "c"}),
        ({"team": "vision"}, set()),
        ({"queue": "default", "q": "b"}, {"b"}),
        ({"created_after": "2030-01-01T00:00:00+00:00"}, set()),
        ({"gpus_max": "0", "state": ""}, {"a", "b", "c"}),
    ],
)
def test_filters_narrow_the_list(
    parameters: dict[str, str], expected: set[str], submitted: Callable[..., Job], actor_named: Named
) -> None:
    submitted("owner", name="a")
    running = submitted("owner", name="b")
    Job.objects.filter(pk=running.pk).update(state="running")
    submitted("teammate", name="c")
    assert {job.name for job in queries.jobs_list(actor_named("owner"), parameters)} == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "flying"),
        ("kind", "x"),
        ("template", "abc"),
        ("parent", "9" * 70),
        ("created_after", "yesterday"),
        ("created_after", "9999-12-31T23:59:59-23:59"),
        ("gpus_min", "-1"),
        ("gpus_min", str(2**70)),
        ("q", "\x00"),
        ("owner", "\ud800"),
    ],
)
def test_a_wrong_filter_is_named(name: str, value: str, actor_named: Named) -> None:
    with pytest.raises(Invalid) as refusal:
        list(queries.jobs_list(actor_named("owner"), {name: value}))
    assert [problem.pointer for problem in refusal.value.problems] == [f"/{name}"]


def test_counts_add_up(submitted: Callable[..., Job], actor_named: Named) -> None:
    submitted()
    Job.objects.filter(pk=submitted().pk).update(state="failed")
    counts = queries.state_counts(actor_named("owner"))
    assert (counts["queued"], counts["failed"], counts["ended"], counts["all"]) == (1, 1, 1, 2)


def test_the_list_costs_the_same_for_any_number_of_jobs(
    submitted: Callable[..., Job], actor_named: Named, django_assert_num_queries: Any
) -> None:
    actor = actor_named("owner")
    for _ in range(5):
        submitted()
    with django_assert_num_queries(1):
        assert [(job.team.name, job.owner.username, job.queue.name) for job in queries.jobs_list(actor)]


def test_the_job_page_is_a_bounded_number_of_queries(
    submitted: Callable[..., Job], actor_named: Named, now: datetime, django_assert_max_num_queries: Any
) -> None:
    job = submitted()
    attempt_of(job, now)
    with django_assert_max_num_queries(8):
        bundle = queries.job_bundle(actor_named("owner"), job.uid, now)
    assert [step.state for step in bundle.steps] == ["queued", "starting", "running", "succeeded"]
    assert bundle.allowed == {
        "cancel": True, "hold": True, "release": False, "priority": True, "clone": True,
    }  # fmt: skip


@pytest.mark.parametrize("uid", ["", "nope", "x" * 500])
def test_a_job_that_is_not_there_is_not_found(uid: str, actor_named: Named, now: datetime) -> None:
    with pytest.raises(NotFound):
        queries.job_bundle(actor_named("owner"), uid, now)


def test_teammates_see_no_buttons(submitted: Callable[..., Job], actor_named: Named, now: datetime) -> None:
    bundle = queries.job_bundle(actor_named("teammate"), submitted("owner").uid, now)
    assert bundle.allowed["cancel"] is False
    assert bundle.allowed["clone"] is True


def test_the_board_counts_only_gpus_that_a_job_could_get(
    node_with: Callable[..., Any], submitted: Callable[..., Job], now: datetime
) -> None:
    node_with("n1", gpus=4)
    node_with("n2", gpus=2, schedulable=False)
    node_with("sim", gpus=8, is_simulated=True)
    node_with("watched", gpus=8, engine="")
    AcceleratorClaim.objects.create(
        attempt=attempt_of(submitted(), now), accelerator_uuid="GPU-n1-0", from_at=now
    )
    found = board.free_board()
    assert (found.total, found.free, found.busy, found.largest_block) == (6, 3, 1, 3)
    assert (found.launchable_nodes, found.watch_only_nodes) == (2, 1)
    assert board.suggested_resources(found, None) == {"gpus": 2, "ranks": 2}
    assert board.suggested_resources(found, False) == {"gpus": 0, "ranks": 2}


def test_a_curve_takes_the_newest_value_of_a_step(submitted: Callable[..., Job]) -> None:
    job = submitted()
    block(job, [(1, 3.0), (2, 2.0), (3, 1.5)])
    block(job, [(3, 1.4), (4, float("nan"))], attempt=2)
    (curve,) = queries.curves_of(job)
    assert curve.steps == [1, 2, 3, 4]
    assert curve.values == [3.0, 2.0, 1.4, None]
    assert curve.attempts == [1, 1, 2, 2]


def test_a_long_curve_is_thinned_but_keeps_its_spike(submitted: Callable[..., Job]) -> None:
    job = submitted()
    for index in range(10):
        points = [(index * 1000 + i, 99.0 if (index, i) == (4, 500) else 1.0) for i in range(1000)]
        block(job, points, index=index)
    (curve,) = queries.curves_of(job, max_points=500)
    assert curve.is_reduced
    assert len(curve.steps) <= 502
    assert 99.0 in curve.values


def test_only_new_points_are_asked_for(submitted: Callable[..., Job]) -> None:
    job = submitted()
    block(job, [(1, 3.0), (2, 2.0)])
    assert queries.curves_of(job, after_step=1)[0].steps == [2]
    assert queries.curves_of(job, after_step=2) == []


def test_waiting_jobs_come_in_the_order_of_the_queue(
    submitted: Callable[..., Job], actor_named: Named, now: datetime
) -> None:
    later = submitted(name="later", at=now + timedelta(minutes=1))
    first = submitted(name="first")
    actions.set_priority(actor_named("owner"), later, 10, now)
    assert [job.name for job in queries.waiting_jobs(actor_named("owner"))] == ["later", "first"]
    assert first.state == JobState.QUEUED
