"""Submitting: what is stored, what is refused, and once per key."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from dcportal.audit.models import AuditEntry
from dcportal.common.actors import Actor
from dcportal.common.problems import Forbidden, Invalid
from jobs import actions, torch_check
from jobs.models import Environment, Job, JobEvent, Queue
from jobs.states import JobState

pytestmark = pytest.mark.django_db
Named = Callable[[str], Actor]
Request = Callable[..., dict[str, Any]]


def refused(actor: Actor, request: Any, now: datetime, **rest: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refusal:
        actions.submit(actor, request, now, **rest)
    return [(problem.pointer, problem.code) for problem in refusal.value.problems]


def test_a_submitted_job_is_queued_with_its_canonical_request(
    actor_named: Named, a_request: Request, now: datetime
) -> None:
    job = actions.submit(actor_named("owner"), a_request("first"), now)
    job.refresh_from_db()
    assert (job.state, job.team.name, job.queue.name) == (JobState.QUEUED, "research", "default")
    assert job.request["job"]["team"] == "research"
    assert job.request["resources"]["ranks"] == job.ranks == 2
    assert len(job.request_hash) == 64


def test_submitting_leaves_an_audit_line_and_one_event(submitted: Callable[..., Job]) -> None:
    job = submitted()
    entry = AuditEntry.objects.get(verb="job.submit")
    assert (entry.target_uid, entry.actor_name, entry.after["state"]) == (job.uid, "owner", "queued")
    assert [(event.seq, event.code) for event in job.events.all()] == [(1, "job_queued")]


@pytest.mark.parametrize("who", ["viewer"])
def test_viewers_may_not_submit(who: str, actor_named: Named, a_request: Request, now: datetime) -> None:
    with pytest.raises(Forbidden):
        actions.submit(actor_named(who), a_request(), now)


def test_a_token_without_the_scope_may_not_submit(
    actor_named: Named, a_request: Request, now: datetime
) -> None:
    owner = actor_named("owner")
    token = Actor("token", "t", "t", "user", owner.teams, frozenset({"read"}), owner.user_id)
    with pytest.raises(Forbidden):
        actions.submit(token, a_request(), now)


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({"job": {"name": ""}}, ("/job/name", "too_short")),
        ({"job": {"name": "x", "queue": "nowhere"}}, ("/job/queue", "no_such_queue")),
        ({"job": {"name": "x", "team": "vision"}}, ("/job/team", "no_such_team")),
        ({"environment": {"ref": "nowhere"}}, ("/environment/ref", "no_such_environment")),
        ({"environment": {"interpreter": "/no/python"}}, ("/environment/interpreter", "not_an_interpreter")),
        ({"data": {"dataset": "nothing"}}, ("/data/dataset", "no_such_dataset")),
        ({"secrets": {"names": ["TOKEN"]}}, ("/secrets/names/0", "no_such_secret")),
        ({"code": {"path": "/no/such/folder"}}, ("/code/path", "no_such_path")),
        ({"code": {"upload": "000000000000"}}, ("/code/upload", "no_such_upload")),
        ({"resources": {"gpus": 1}}, ("/resources/gpus", "no_gpus_here")),
        ({"resources": {"gpus": 1, "ranks": 2}}, ("/resources/ranks", "more_ranks_than_gpus")),
        ({"surprise": 1}, ("/surprise", "unknown_key")),
    ],
)
def test_a_wrong_request_names_its_field(
    sections: dict[str, Any],
    expected: tuple[str, str],
    actor_named: Named,
    a_request: Request,
    now: datetime,
) -> None:
    assert refused(actor_named("owner"), a_request(**sections), now) == [expected]
    assert not Job.objects.exists()


@pytest.mark.parametrize("request_", [None, 7, "text", [], {}, {"job": []}, {"job": {"name": "\ud800"}}])
def test_nonsense_is_refused_with_a_pointer(request_: Any, actor_named: Named, now: datetime) -> None:
    assert refused(actor_named("owner"), request_, now)


def test_the_portals_own_data_is_no_code(actor_named: Named, a_request: Request, now: datetime) -> None:
    from django.conf import settings

    for path in (settings.DATA_DIR, settings.DATA_DIR / "keys", "/"):
        request = a_request(code={"path": str(path)})
        assert [code for _, code in refused(actor_named("owner"), request, now)] in (
            ["protected_path"],
            ["path_not_plain"],
        )


def test_more_gpus_than_any_machine_has_says_how_many_to_choose(
    actor_named: Named, a_request: Request, node_with: Callable[..., Any], now: datetime
) -> None:
    node_with(gpus=4)
    with pytest.raises(Invalid) as refusal:
        actions.submit(actor_named("owner"), a_request(resources={"gpus": 5}), now)
    (problem,) = refusal.value.problems
    assert (problem.code, problem.params["most"]) == ("more_gpus_than_a_node", 4)


def test_ranks_default_to_the_gpus_but_at_most_two(
    submitted: Callable[..., Job], node_with: Callable[..., Any]
) -> None:
    node_with(gpus=4)
    assert [submitted(resources={"gpus": gpus}).ranks for gpus in (1, 2, 4)] == [1, 2, 2]


def test_a_gpu_job_on_a_cpu_torch_is_refused_with_both_versions(
    actor_named: Named, a_request: Request, node_with: Callable[..., Any], now: datetime, system: Actor
) -> None:
    from jobs.builtin import ensure_environment

    node_with(gpus=2)
    environment = ensure_environment(system, now)
    found = {"torch": "2.13.0+cpu", "cuda": None, "is_cuda_usable": False, "driver": "550.1", "error": ""}
    Environment.objects.filter(pk=environment.pk).update(check_result=found)
    with pytest.raises(Invalid) as refusal:
        actions.submit(actor_named("owner"), a_request(resources={"gpus": 1}), now)
    (problem,) = refusal.value.problems
    assert problem.code == "torch_is_cpu_only"
    assert problem.params["torch"] == "2.13.0+cpu"
    assert problem.params["driver"] == "550.1"
    assert problem.params["command"] == "make run TORCH=cuda"


def test_an_environment_whose_torch_works_takes_gpu_jobs() -> None:
    assert torch_check.gpu_refusal({"torch": "2.13", "is_cuda_usable": True, "error": ""}, True) is None


def test_a_closed_queue_takes_no_job(
    actor_named: Named, a_request: Request, now: datetime, system: Actor
) -> None:
    actions.add_queue(actor_named("operator"), "night", now, is_open=False)
    assert Queue.objects.get(name="night").is_open is False
    request = a_request(job={"name": "x", "queue": "night"})
    assert refused(actor_named("owner"), request, now) == [("/job/queue", "queue_is_closed")]


def test_the_same_key_and_body_make_one_job(actor_named: Named, a_request: Request, now: datetime) -> None:
    first, again = (actions.submit_once(actor_named("owner"), a_request(), "k1", now) for _ in range(2))
    assert (first[0].uid, first[1], again[1]) == (again[0].uid, False, True)
    assert Job.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(
    actor_named: Named, a_request: Request, now: datetime
) -> None:
    actions.submit_once(actor_named("owner"), a_request("one"), "k1", now)
    with pytest.raises(Invalid):
        actions.submit_once(actor_named("owner"), a_request("two"), "k1", now)


def test_a_key_of_someone_else_does_not_matter(actor_named: Named, a_request: Request, now: datetime) -> None:
    actions.submit_once(actor_named("owner"), a_request(), "k1", now)
    actions.submit_once(actor_named("teammate"), a_request(), "k1", now)
    assert Job.objects.count() == 2


def test_a_key_is_forgotten_after_a_day(actor_named: Named, a_request: Request, now: datetime) -> None:
    actions.submit_once(actor_named("owner"), a_request("one"), "k1", now)
    actions.submit_once(actor_named("owner"), a_request("two"), "k1", now + timedelta(hours=25))
    assert Job.objects.count() == 2


def test_a_clone_takes_the_request_with_changes(
    submitted: Callable[..., Job], actor_named: Named, now: datetime
) -> None:
    job = submitted(name="first")
    copy = actions.clone(actor_named("owner"), job, {"job": {"name": "second", "priority": 5}}, now)
    assert (copy.name, copy.priority, copy.cloned_from_id) == ("second", 5, job.pk)
    assert copy.request["command"] == job.request["command"]


def test_a_clone_may_swap_the_command_for_training(
    submitted: Callable[..., Job], actor_named: Named, now: datetime
) -> None:
    copy = actions.clone(actor_named("owner"), submitted(), {"train": {"model": {"name": "cnn"}}}, now)
    assert "command" not in copy.request


def test_events_are_numbered_without_gaps(
    submitted: Callable[..., Job], actor_named: Named, now: datetime
) -> None:
    job = submitted()
    actions.hold(actor_named("owner"), job, now)
    actions.release(actor_named("owner"), job, now)
    actions.cancel(actor_named("owner"), job, now)
    assert list(JobEvent.objects.filter(job=job).values_list("seq", flat=True)) == [1, 2, 3, 4]
