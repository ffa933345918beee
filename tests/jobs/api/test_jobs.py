"""REST of jobs: create, list, act, read."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from dcportal.audit.models import AuditEntry
from dcportal.common.actors import Actor
from jobs import actions, builtin
from jobs.engines.runner import loglines
from jobs.models import Artifact, Attempt, Job
from jobs.scheduler import curves

pytestmark = pytest.mark.django_db
Call = Callable[..., Any]
Pointers = Callable[[Any], list[tuple[str, str]]]


@pytest.fixture
def with_run(
    submitted: Callable[..., Job], now: datetime, tmp_path: Path
) -> Callable[..., tuple[Job, Attempt]]:
    """A job with an attempt whose run folder holds a log and an artifact."""

    def make(who: str = "owner") -> tuple[Job, Attempt]:
        job = submitted(who)
        attempt = Attempt.objects.create(
            job=job,
            number=1,
            tag=f"{job.uid}.1",
            engine="fake",
            run_dir=str(tmp_path / job.uid),
            created_at=now,
            updated_at=now,
        )
        logs = tmp_path / job.uid / "work/logs"
        logs.mkdir(parents=True)
        lines = [loglines.formed(loglines.stamp(1764079000 + i), b"0", b"line %d" % i) for i in range(3)]
        (logs / "0000000000000000.log").write_bytes(b"".join(lines))
        folder = tmp_path / job.uid / "work/artifacts"
        folder.mkdir()
        (folder / "model.pt").write_bytes(b"weights")
        (folder / "link").symlink_to("/etc/passwd")
        return job, attempt

    return make


def test_a_job_is_created_and_shown(call: Call, a_request: Any) -> None:
    answer = call("owner", "post", "jobs/", a_request("first"))
    assert answer.status_code == 201
    body = answer.json()
    assert (body["state"], body["owner"], body["team"], body["queue"]) == (
        "queued", "owner", "research", "default",
    )  # fmt: skip
    assert body["request"]["resources"]["ranks"] == 2
    again = call("owner", "get", f"jobs/{body['uid']}/")
    assert again.json()["uid"] == body["uid"]
    assert again.headers["ETag"]


def test_a_template_is_taken_by_its_name(call: Call, now: datetime) -> None:
    builtin.ensure(now)
    answer = call("owner", "post", "jobs/", {"template": "digits-cnn", "train": {"epochs": 3}})
    assert answer.status_code == 201
    assert answer.json()["request"]["train"]["model"]["name"] == "cnn"
    assert answer.json()["request"]["train"]["epochs"] == 3


def test_a_job_can_be_submitted_held(call: Call, a_request: Any) -> None:
    answer = call("owner", "post", "jobs/", {**a_request(), "hold": True})
    assert answer.json()["desired"] == "hold"


def test_validate_fills_in_defaults_and_starts_nothing(call: Call, a_request: Any) -> None:
    answer = call("owner", "post", "jobs/validate/", a_request("dry"))
    assert answer.status_code == 200
    assert answer.json()["request"]["job"]["priority"] == 0
    assert 'name = "dry"' in answer.json()["toml"]
    assert not Job.objects.exists()


def test_a_repeated_key_makes_one_job(call: Call, a_request: Any) -> None:
    first, again = (
        call("owner", "post", "jobs/", a_request(), **{"Idempotency-Key": "k-1"}) for _ in range(2)
    )
    assert first.json()["uid"] == again.json()["uid"]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    other = call("owner", "post", "jobs/", a_request("other"), **{"Idempotency-Key": "k-1"})
    assert other.status_code == 422
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"job": {"name": "x"}}, ("/command", "command_or_train")),
        ({"job": {"name": "x"}, "command": "ls"}, ("/command", "wrong_type")),
        ({"job": {"name": "x"}, "train": {"epochs": 0}}, ("/train/epochs", "too_small")),
        ({"job": {"name": "x"}, "train": {"epoch": 1}}, ("/train/epoch", "unknown_key")),
        ({"job": {"name": "x", "priority": 2**80}, "train": {}}, ("/job/priority", "integer_out_of_range")),
        ({"template": "nothing"}, ("/template", "no_such_template")),
        ({"template": 7}, ("/template", "no_such_template")),
        ({"hold": "yes"}, ("/hold", "wrong_type")),
        ([], ("", "wrong_type")),
    ],
)
def test_a_wrong_request_is_a_422_with_a_pointer(
    body: Any, expected: tuple[str, str], call: Call, pointers: Pointers
) -> None:
    answer = call("owner", "post", "jobs/", body)
    assert answer.status_code == 422
    assert expected in pointers(answer)


def test_a_refusal_speaks_the_readers_language(call: Call, a_request: Any) -> None:
    answer = call("owner", "post", "jobs/", a_request(resources={"ranks": 0}))
    assert answer.json()["errors"][0]["detail"] == "Must be at least 1."


@pytest.mark.parametrize(
    ("who", "status"),
    [("owner", 200), ("lead", 200), ("operator", 200), ("teammate", 403), ("viewer", 403), ("stranger", 404)],
)
@pytest.mark.parametrize("verb", ["cancel", "hold", "release"])
def test_who_may_do_what(who: str, status: int, verb: str, call: Call, submitted: Callable[..., Job]) -> None:
    job = submitted("owner")
    assert call(who, "post", f"jobs/{job.uid}/{verb}/").status_code == status


@pytest.mark.parametrize(
    "path", ["", "logs/", "events/", "metrics/", "artifacts/", "artifacts/content/?path=model.pt"]
)
@pytest.mark.parametrize(("who", "status"), [("teammate", 200), ("viewer", 200), ("stranger", 404)])
def test_who_may_read_what(who: str, status: int, path: str, call: Call, with_run: Any) -> None:
    job, _attempt = with_run()
    assert call(who, "get", f"jobs/{job.uid}/{path}").status_code == status


def test_nobody_reads_without_signing_in(submitted: Callable[..., Job]) -> None:
    job = submitted()
    for path in ("jobs/", f"jobs/{job.uid}/", "job-templates/", "secrets/", "environments/"):
        assert Client().get(f"/api/v1/{path}").status_code in (401, 403)


def test_strangers_find_none_in_the_list(call: Call, submitted: Callable[..., Job]) -> None:
    submitted("owner")
    assert call("stranger", "get", "jobs/").json()["results"] == []


def test_an_old_etag_stops_an_action(call: Call, submitted: Callable[..., Job]) -> None:
    job = submitted()
    etag = call("owner", "get", f"jobs/{job.uid}/").headers["ETag"]
    assert (
        call("owner", "patch", f"jobs/{job.uid}/", {"priority": 3}, **{"If-Match": etag}).status_code == 200
    )
    assert call("owner", "post", f"jobs/{job.uid}/cancel/", **{"If-Match": etag}).status_code == 412


def test_an_unchanged_job_is_a_304(call: Call, submitted: Callable[..., Job]) -> None:
    job = submitted()
    etag = call("owner", "get", f"jobs/{job.uid}/").headers["ETag"]
    assert call("owner", "get", f"jobs/{job.uid}/", **{"If-None-Match": etag}).status_code == 304


def test_acting_on_an_ended_job_is_a_409(call: Call, submitted: Callable[..., Job]) -> None:
    job = submitted()
    Job.objects.filter(pk=job.pk).update(state="succeeded")
    answer = call("owner", "post", f"jobs/{job.uid}/cancel/")
    assert (answer.status_code, answer.json()["code"]) == (409, "job_is")


def test_only_the_fields_asked_for_are_given(call: Call, submitted: Callable[..., Job]) -> None:
    job = submitted()
    assert call("owner", "get", f"jobs/{job.uid}/?fields=state").json() == {"state": "queued"}
    assert set(call("owner", "get", "jobs/?fields=uid,state").json()["results"][0]) == {"uid", "state"}
    assert call("owner", "get", "jobs/?fields=password").status_code == 422


@pytest.mark.parametrize(
    "query", ["state=running,queued", "mine=true", "search=probe", "owner=owner", "ordering=-priority"]
)
def test_lists_are_filtered(query: str, call: Call, submitted: Callable[..., Job]) -> None:
    submitted()
    assert len(call("owner", "get", f"jobs/?{query}").json()["results"]) == 1


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("state=flying", "/state"),
        ("mine=perhaps", "/mine"),
        ("created_after=soon", "/created_after"),
        ("ordering=password", "/ordering"),
        ("limit=x", "/limit"),
        ("cursor=zzz", "/cursor"),
        ("surprise=1", "/surprise"),
        ("gpus_min=" + "9" * 40, "/gpus_min"),
        ("search=%00", "/search"),
    ],
)
def test_a_wrong_parameter_is_named(query: str, pointer: str, call: Call, pointers: Pointers) -> None:
    answer = call("owner", "get", f"jobs/?{query}")
    assert answer.status_code == 422
    assert [each[0] for each in pointers(answer)] == [pointer]


def test_pages_follow_each_other(call: Call, submitted: Callable[..., Job]) -> None:
    made = [submitted(name=f"j{i}").uid for i in range(5)]
    page = call("owner", "get", "jobs/?limit=3").json()
    rest = call("owner", "get", page["next"].split("/api/v1/")[1]).json()
    assert [row["uid"] for row in page["results"] + rest["results"]] == made[::-1]


def test_the_list_costs_a_fixed_number_of_queries(
    call: Call, submitted: Callable[..., Job], django_assert_max_num_queries: Any
) -> None:
    for index in range(6):
        submitted(name=f"j{index}")
    call("owner", "get", "jobs/")
    with django_assert_max_num_queries(5):
        call("owner", "get", "jobs/")


def test_a_clone_changes_what_the_body_names(call: Call, submitted: Callable[..., Job]) -> None:
    job = submitted()
    answer = call("owner", "post", f"jobs/{job.uid}/clone/", {"job": {"name": "copy"}})
    assert (answer.status_code, answer.json()["name"]) == (201, "copy")
    assert answer.json()["cloned_from"] == job.uid


def test_many_are_cancelled_at_once(call: Call, submitted: Callable[..., Job]) -> None:
    jobs = [submitted().uid, submitted("stranger").uid]
    answer = call("owner", "post", "jobs/cancel/", {"jobs": jobs}).json()
    assert [row["uid"] for row in answer["cancelled"]] == jobs[:1]
    assert answer["skipped"][0]["code"] == "not_found"


def test_counts_and_free_gpus_are_there(call: Call, submitted: Callable[..., Job], node_with: Any) -> None:
    node_with(gpus=3)
    submitted()
    assert call("owner", "get", "jobs/counts/").json()["queued"] == 1
    assert call("owner", "get", "jobs/free-gpus/").json()["free"] == 3


def test_a_log_is_read_by_windows(call: Call, with_run: Any) -> None:
    job, _attempt = with_run()
    first = call("owner", "get", f"jobs/{job.uid}/logs/?limit=1").json()
    assert first["text"] == "2025-11-25T13:56:40.000Z 0 line 0\n"
    plain = call("owner", "get", f"jobs/{job.uid}/logs/?plain=true").json()
    assert plain["text"] == "line 0\nline 1\nline 2\n"
    rest = call("owner", "get", f"jobs/{job.uid}/logs/?offset={first['next_offset']}&lines=true").json()
    assert [(line["source"], line["text"]) for line in rest["lines"]] == [("0", "line 1"), ("0", "line 2")]
    assert rest["next_offset"] == rest["end_offset"]


def test_a_whole_log_is_downloaded(call: Call, with_run: Any) -> None:
    job, _attempt = with_run()
    answer = call("owner", "get", f"jobs/{job.uid}/logs/?download=1")
    assert b"".join(answer.streaming_content).count(b"\n") == 3
    assert answer["Content-Disposition"] == f'attachment; filename="{job.uid}.1.log"'


def test_a_job_that_never_started_has_an_empty_log(call: Call, submitted: Callable[..., Job]) -> None:
    assert call("owner", "get", f"jobs/{submitted().uid}/logs/").json()["text"] == ""


@pytest.mark.parametrize(
    "query", ["offset=x", "limit=0", "attempt=0", "source=abc", "lines=maybe", "offset=1e9"]
)
def test_a_wrong_window_is_a_422(query: str, call: Call, with_run: Any) -> None:
    job, _attempt = with_run()
    assert call("owner", "get", f"jobs/{job.uid}/logs/?{query}").status_code == 422


def test_events_are_read_on_by_seq(
    call: Call, submitted: Callable[..., Job], actor_named: Callable[[str], Actor], now: datetime
) -> None:
    job = submitted()
    actions.cancel(actor_named("owner"), job, now)
    page = call("owner", "get", f"jobs/{job.uid}/events/?after=1").json()
    assert [event["code"] for event in page["results"]] == ["cancel_requested"]
    assert page["results"][0]["text"] == "owner asked to cancel it."
    assert page["next_after"] == 2


def test_curves_come_as_columns_and_as_figures(call: Call, with_run: Any) -> None:
    job, attempt = with_run()
    points = [(step, 1764079000.0 + step, 1.0 / step) for step in range(1, 11)]
    curves.append(attempt, {"loss": points, "evaluation/accuracy": points[-1:]})
    columns = call("owner", "get", f"jobs/{job.uid}/metrics/?names=loss&after_step=4").json()
    assert columns["names"] == ["evaluation/accuracy", "loss"]
    assert columns["results"][0]["steps"] == [5, 6, 7, 8, 9, 10]
    figures = call("owner", "get", f"jobs/{job.uid}/metrics/?format=plotly").json()["results"]
    loss = next(figure for figure in figures if figure["id"] == "loss")["figure"]["data"][0]
    assert loss["y"] == [value for _step, _time, value in points]
    assert call("owner", "get", f"jobs/{job.uid}/metrics/?points=1").status_code == 422


def test_an_artifact_is_downloaded_as_a_file(call: Call, with_run: Any, now: datetime) -> None:
    job, attempt = with_run()
    Artifact.objects.create(
        job=job, attempt=attempt, team=job.team, owner=job.owner, path="model.pt", size_bytes=7,
        modified_at=now, created_at=now, updated_at=now,
    )  # fmt: skip
    assert call("owner", "get", f"jobs/{job.uid}/artifacts/").json()["results"][0]["path"] == "model.pt"
    answer = call("owner", "get", f"jobs/{job.uid}/artifacts/content/?path=model.pt")
    assert b"".join(answer.streaming_content) == b"weights"
    assert "attachment" in answer["Content-Disposition"]


TRAVERSALS = [
    "link",
    "../logs/0000000000000000.log", "/etc/passwd", "..", ".", "", "a/../../x", "..%2f..%2fetc%2fpasswd",
    "%2e%2e/x", "..\\..\\x", "model.pt%00", "%252e%252e%252fpasswd", "....//x", "~/x", "file:///etc/passwd",
    "model.pt/", "model.pt/..", "//etc/passwd", "\u2025/x", "..;/x", ".../x", "nothing",
]  # fmt: skip


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_out_of_the_artifacts(path: str, call: Call, with_run: Any) -> None:
    job, _attempt = with_run()
    answer = call("owner", "get", f"jobs/{job.uid}/artifacts/content/?path={path}")
    if answer.status_code == 200:
        assert b"".join(answer.streaming_content) == b"weights"
    else:
        assert answer.status_code in (404, 422)


def test_what_people_do_by_rest_is_in_the_trail(call: Call, a_request: Any) -> None:
    uid = call("owner", "post", "jobs/", a_request()).json()["uid"]
    call("owner", "patch", f"jobs/{uid}/", {"priority": 4})
    call("owner", "post", f"jobs/{uid}/hold/")
    verbs = list(AuditEntry.objects.order_by("id").values_list("verb", "via"))
    assert verbs == [("job.submit", "api"), ("job.priority", "api"), ("job.hold", "api")]


def test_openapi_shows_every_setting_of_a_request(call: Call) -> None:
    from dcportal.api.schema import SchemaGenerator
    from tests.trainer.spec.extending import field_added
    from trainer.spec.fields import setting
    from trainer.spec.train import TrainConfig

    added = setting(2, label="Surprise", minimum=1, maximum=5)
    with field_added(TrainConfig, "surprise_factor", int, added):
        schema = SchemaGenerator().get_schema(request=None, public=True)
    train = schema["components"]["schemas"]["JobSpecRequest"]["properties"]["train"]
    assert train["properties"]["surprise_factor"]["maximum"] == 5
