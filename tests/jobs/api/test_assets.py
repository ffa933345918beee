"""REST of templates, environments, data sets, secrets, queues and uploads."""

import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from dcportal.audit.models import AuditEntry
from jobs import builtin
from jobs.models import Dataset, Environment, JobTemplate, Secret

pytestmark = pytest.mark.django_db
Call = Callable[..., Any]
CANARY = "canary-91c7-value"


def test_the_gallery_lists_built_in_templates(call: Call, now: datetime) -> None:
    builtin.ensure(now)
    rows = call("viewer", "get", "job-templates/").json()["results"]
    assert {row["slug"] for row in rows} == set(builtin.TEMPLATES)


def test_a_template_is_made_changed_and_retired(call: Call, a_request: Any) -> None:
    made = call("owner", "post", "job-templates/", {"name": "Base", "request": a_request("base")})
    assert made.status_code == 201, made.content
    uid = made.json()["uid"]
    second = call("owner", "patch", f"job-templates/{uid}/", {"name": "Better", "locked": ["job.priority"]})
    assert (second.json()["version"], second.json()["locked"]) == (2, ["job.priority"])
    assert call("owner", "post", f"job-templates/{second.json()['uid']}/retire/").status_code == 200
    assert call("owner", "get", "job-templates/").json()["results"] == []
    assert len(call("owner", "get", "job-templates/?versions=all").json()["results"]) == 2


def test_a_job_becomes_a_template(call: Call, submitted: Any) -> None:
    job = submitted()
    made = call("owner", "post", "job-templates/", {"name": "From job", "from_job": job.uid})
    assert made.json()["request"]["command"] == ["python", "train.py"]


def test_a_wrong_template_names_the_setting(call: Call, pointers: Any) -> None:
    answer = call("owner", "post", "job-templates/", {"name": "x", "request": {"job": {"name": 7}}})
    assert ("/request/job/name", "wrong_type") in pointers(answer)


def test_an_environment_is_registered_checked_and_removed(call: Call) -> None:
    made = call("owner", "post", "environments/", {"name": "mine", "interpreter": sys.executable})
    assert made.status_code == 201, made.content
    uid = made.json()["uid"]
    checked = call("owner", "post", f"environments/{uid}/check/").json()
    assert checked["check_result"]["python"].startswith("3.")
    assert call("owner", "delete", f"environments/{uid}/").status_code == 204
    assert not Environment.objects.filter(uid=uid).exists()


def test_a_data_set_is_registered_for_readers(call: Call, person: Any, tmp_path: Path) -> None:
    person("stranger")
    (tmp_path / "x.bin").write_bytes(b"123")
    made = call("owner", "post", "datasets/", {"name": "d", "path": str(tmp_path), "readers": ["vision"]})
    assert made.status_code == 201, made.content
    assert (made.json()["size_bytes"], made.json()["readers"]) == (3, ["vision"])
    assert call("stranger", "get", f"datasets/{made.json()['uid']}/").status_code == 200
    assert call("stranger", "patch", f"datasets/{made.json()['uid']}/", {"name": "e"}).status_code == 403
    assert call("owner", "patch", f"datasets/{made.json()['uid']}/", {"readers": []}).status_code == 200
    assert call("stranger", "get", f"datasets/{made.json()['uid']}/").status_code == 404


def test_no_answer_holds_a_secret(call: Call) -> None:
    made = call("owner", "post", "secrets/", {"name": "API_KEY", "value": CANARY})
    assert made.status_code == 201
    uid = made.json()["uid"]
    changed = call("owner", "patch", f"secrets/{uid}/", {"value": CANARY + "2"})
    answers = [made, changed, call("owner", "get", "secrets/"), call("owner", "get", f"secrets/{uid}/")]
    assert all(CANARY.encode() not in answer.content for answer in answers)
    assert CANARY not in json.dumps(list(AuditEntry.objects.values("before", "after")))


def test_only_operators_make_queues(call: Call) -> None:
    assert call("owner", "post", "queues/", {"name": "night"}).status_code == 403
    assert call("operator", "post", "queues/", {"name": "night", "weight": 5}).status_code == 201
    assert {row["name"] for row in call("stranger", "get", "queues/").json()["results"]} == {
        "default",
        "night",
    }


def test_code_is_uploaded_and_used(client_of: Any, call: Call, a_request: Any) -> None:
    file = SimpleUploadedFile("code.zip", b"PK-bytes")
    made = client_of("owner").post("/api/v1/code-uploads/", {"file": file})
    assert made.status_code == 201, made.content
    answer = call("owner", "post", "jobs/", a_request(code={"upload": made.json()["uid"]}))
    assert answer.status_code == 201
    assert call("stranger", "get", f"code-uploads/{made.json()['uid']}/").status_code == 404


@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("environments", lambda: {"name": "e", "interpreter": sys.executable}),
        ("secrets", lambda: {"name": "KEY", "value": "v"}),
        ("job-templates", lambda: {"name": "t", "request": {"job": {"name": "x"}, "train": {}}}),
    ],
)
def test_what_a_team_made_is_hidden_from_others(path: str, make: Any, call: Call) -> None:
    uid = call("owner", "post", f"{path}/", make()).json()["uid"]
    assert call("stranger", "get", f"{path}/{uid}/").status_code == 404
    assert uid not in {row["uid"] for row in call("stranger", "get", f"{path}/").json()["results"]}
    assert call("teammate", "patch", f"{path}/{uid}/", {"description": "x"}).status_code == 403


# Every case is posted to every collection; afterwards every list must still answer.
POISON: list[Any] = [
    b"", b"{", b"[]", b"null", b"7", b'"text"', b"\xff\xfe", b'{"name": "\\u0000"}', b'{"name": "\\ud800"}',
    b'{"name": NaN}', b"[" * 5000 + b"]" * 5000, b'{"a":' * 40 + b"1" + b"}" * 40,
    {"name": None}, {"name": []}, {"name": {}}, {"name": "x" * 100_000}, {"name": 2**70}, {"name": True},
    {"name": "ok", "request": {"job": {"name": "\u202e"}, "command": ["x"]}},
    {"name": "ok", "request": None}, {"name": "ok", "request": [[]]}, {"name": "ok", "request": 7},
    {"name": "ok", "locked": {"a": 1}, "request": {"job": {"name": "y"}, "train": {}}},
    {"name": "ok", "path": "/proc/self/mem"}, {"name": "ok", "path": "/dev/zero"}, {"name": "ok", "path": 7},
    {"name": "ok", "path": "/" + "a" * 5000}, {"name": "ok", "path": "/tmp/../etc"},
    {"name": "ok", "interpreter": "/bin/\x01"}, {"name": "ok", "interpreter": ["/bin/sh"]},
    {"name": "PATH\n", "value": "v"}, {"name": "LD_PRELOAD", "value": 7}, {"name": "A", "value": ""},
    {"name": "ok", "team": {"name": "x"}}, {"name": "ok", "team": "vision"}, {"name": "ok", "owner": "admin"},
    {"name": "ok", "weight": 1e400}, {"name": "ok", "weight": "many"}, {"uid": "000000000000"},
    {"job": {"name": "x", "env": {"A=B": "c"}}, "command": ["x"]},
    {"job": {"name": "x", "env": {"A": None}}, "command": ["x"]},
    {"job": {"name": "x"}, "command": ["x"] * 2000}, {"job": {"name": "x"}, "command": [None]},
    {"job": {"name": "x", "not_before": "9999-12-31T23:59:59-23:59"}, "command": ["x"]},
    {"job": {"name": "x", "not_before": "0001-01-01T00:00:00+23:59"}, "command": ["x"]},
    {"job": {"name": "x", "time_limit_seconds": 2**31}, "command": ["x"]},
    {"job": {"name": "x"}, "command": ["x"], "resources": {"ranks": 4096, "memory_bytes": 2**50}},
    {"job": {"name": "x"}, "command": ["x"], "environment": {"interpreter": "/etc/passwd"}},
    {"job": {"name": "x"}, "command": ["x"], "code": {"git": "ext::sh -c touch% /tmp/pwned"}},
    {"job": {"name": "x"}, "command": ["x"], "code": {"path": "/root/\ud7ff"}},
    {"state": "succeeded", "job": {"name": "x"}, "command": ["x"]},
]  # fmt: skip
LISTS = ["jobs/", "job-templates/?versions=all", "environments/", "datasets/", "secrets/", "queues/"]


@pytest.mark.parametrize("case", range(len(POISON)))
def test_no_poison_breaks_a_list(case: int, call: Call) -> None:
    for path in (
        "jobs/",
        "jobs/validate/",
        "job-templates/",
        "environments/",
        "datasets/",
        "secrets/",
        "queues/",
    ):
        answer = call("admin" if path == "queues/" else "owner", "post", path, POISON[case])
        assert answer.status_code < 500, (path, POISON[case], answer.content[:300])
    for path in LISTS:
        assert call("operator", "get", path).status_code == 200, (path, POISON[case])


@pytest.mark.parametrize("path", ["jobs", "job-templates", "environments", "datasets", "secrets", "queues"])
@pytest.mark.parametrize("query", ["?x=1", "?limit=-1", "?limit=1e9", "?ordering=%F0%9F%92%A9"])
def test_hostile_parameters_are_refused(path: str, query: str, call: Call) -> None:
    assert call("owner", "get", f"{path}/{query}").status_code == 422


@pytest.mark.parametrize("path", ["jobs", "datasets", "secrets"])
@pytest.mark.parametrize("uid", ["nope", "zzzzzzzzzzzz", "%00", "..%2f..%2f", "0" * 500])
def test_a_uid_that_is_none_is_not_found(path: str, uid: str, call: Call) -> None:
    assert call("owner", "get", f"{path}/{uid}/").status_code == 404


def test_owner_and_state_cannot_be_set(call: Call, pointers: Any) -> None:
    answer = call("owner", "post", "secrets/", {"name": "A", "value": "b", "owner": "admin"})
    assert pointers(answer) == [("/owner", "unknown_field")]
    assert not (Secret.objects.exists())
    assert not (Dataset.objects.exists())
    assert not (JobTemplate.objects.exists())
