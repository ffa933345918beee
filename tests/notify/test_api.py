"""REST of webhooks and notices."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from dcportal.notify import outbox
from dcportal.notify.models import Webhook

pytestmark = pytest.mark.django_db


@pytest.fixture
def call(client_of: Callable[[str], Any]) -> Callable[..., Any]:
    def make(who: str, method: str, path: str, body: Any = None) -> Any:
        data = json.dumps(body) if body is not None else ""
        return client_of(who).generic(method.upper(), f"/api/v1/{path}", data, "application/json")

    return make


@pytest.fixture(autouse=True)
def _allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCP_WEBHOOK_ALLOW", "127.0.0.1")


BODY = {"name": "chat", "url": "http://127.0.0.1:9/", "team": "research"}


def test_the_secret_is_in_the_first_answer_only(call: Any) -> None:
    made = call("owner", "post", "webhooks/", BODY)
    assert made.status_code == 201, made.content
    secret = made.json()["secret"]
    shown = call("owner", "get", f"webhooks/{made.json()['uid']}/")
    assert shown.json()["events"] == ["job.ended"]
    assert secret not in shown.content.decode()


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "https://169.254.169.254/latest", "file:///etc/passwd"])
def test_an_address_inside_is_a_422(url: str, call: Any) -> None:
    answer = call("owner", "post", "webhooks/", {**BODY, "url": url})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/url")


def test_another_teams_webhook_cannot_be_made_or_seen(call: Any, team_named: Any) -> None:
    team_named("research")
    assert call("stranger", "post", "webhooks/", BODY).status_code == 422
    uid = call("owner", "post", "webhooks/", BODY).json()["uid"]
    assert call("stranger", "get", f"webhooks/{uid}/").status_code == 404
    assert call("teammate", "delete", f"webhooks/{uid}/").status_code == 403
    assert call("owner", "patch", f"webhooks/{uid}/", {"is_enabled": False}).status_code == 200
    assert call("owner", "delete", f"webhooks/{uid}/").status_code == 204
    assert not Webhook.objects.exists()


def test_notices_are_listed_and_read(call: Any, person: Any, team_named: Any, now: datetime) -> None:
    outbox.put(
        event="job.ended",
        team=team_named("research"),
        owner=person("owner"),
        subject_uid="abcabcabcabc",
        payload={},
        now=now,
    )
    assert call("owner", "get", "notices/").json()["results"][0]["read_at"] is None
    assert call("owner", "post", "notices/read/").status_code == 204
    assert call("owner", "get", "notices/").json()["results"][0]["read_at"] is not None
    assert call("operator", "get", "notices/").json()["results"] == []
