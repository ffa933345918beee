"""The corpus thrown at jobs, at every form and at every socket: a 4xx, and all lists still answer after it.

The launch form has its own in `tests/jobs/pages/test_hostile.py`.
"""

import json
import re
from collections.abc import AsyncIterator, Callable
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.test import Client

from dcportal.asgi import application
from jobs import actions
from jobs.models import Job
from tests.api.corpus import BODIES, HARMLESS, VALUES
from trainer.spec.fields import leaves
from trainer.spec.job import JobSpec

REST = [
    "jobs",
    "job-templates?versions=all",
    "environments",
    "datasets",
    "secrets",
    "queues",
    "code-uploads",
    "audit",
]
PAGES = [
    *["/?overview", "/jobs/", "/jobs/csv/", "/templates/", "/environments/", "/datasets/", "/secrets/"],
    *["/queues/", "/launch/", "/audit/", "/users/", "/teams/", "/tokens/", "/nodes/", "/sites/"],
]
JOB_PAGES = ["", "live/", "side/", "curves/"]
JOB_ROUTES = ["", "/logs", "/events", "/metrics", "/artifacts"]
WRITES = {
    "job-templates": ["name", "description", "request", "locked", "team", "for_site", "from_job"],
    "environments": ["name", "interpreter", "description", "team", "for_site"],
    "datasets": ["name", "path", "description", "team", "readers"],
    "secrets": ["name", "value", "description", "team"],
    "queues": ["name", "description", "weight", "is_open"],
}
FORMS = [
    *["/environments/", "/datasets/", "/secrets/", "/queues/", "/profile/", "/profile/password/"],
    *["/users/new/", "/teams/new/", "/tokens/new/", "/node-tokens/new/", "/sites/new/", "/rooms/new/"],
    *["/rows/new/", "/racks/new/", "/node-types/new/", "/nodes/new/"],
]
TYPED = ["nul", "surrogate", "huge", "markup", "template", "format", "bidi", "controls", "path", "long"]
"""Those of the corpus that a person can type into a form."""
TRAINED = {"huge", "endless", "surrogate", "nested object", "markup"}


@pytest.fixture
def reader(client_of: Callable[[str], Client]) -> Client:
    """An administrator's browser that takes a 500 for an answer instead of raising."""
    client = client_of("admin")
    client.raise_request_exception = False
    return client


@pytest.fixture
def job(actor_named: Callable[[str], Any], now: Any) -> Job:
    return actions.submit(actor_named("owner"), {"job": {"name": "probe"}, "command": ["true"]}, now)


def require_all_lists(reader: Client) -> None:
    """Every list, page and job is read again; what a case left behind must not break one."""
    for path in [*PAGES, *(f"/api/v1/{name}" for name in REST)]:
        answer = reader.get(path)
        assert answer.status_code == 200, f"{path} is broken: {_text(answer)[:300]}"
    for uid in Job.objects.order_by("?").values_list("uid", flat=True)[:4]:
        paths = [f"/jobs/{uid}/{page}" for page in JOB_PAGES]
        for path in [*paths, *(f"/api/v1/jobs/{uid}{route}" for route in JOB_ROUTES)]:
            assert reader.get(path).status_code in {200, 204}, f"{path} is broken"


def _text(answer: Any) -> str:
    return "(stream)" if answer.streaming else answer.content.decode("utf-8", "replace")


def _nested(name: str, value: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"job": {"name": "probe"}}
    if not name.startswith("train."):
        body["command"] = ["true"]
    inner = body
    *sections, last = name.split(".")
    for section in sections:
        inner = inner.setdefault(section, {})
    inner[last] = value
    return body


def _require_refusal_or_success(answer: Any, what: str) -> None:
    assert answer.status_code < 500, f"{what}: {_text(answer)[:300]}"
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/problem+json", what
        assert answer.json()["status"] == answer.status_code


@pytest.mark.parametrize("label", VALUES)
def test_no_value_in_any_setting_breaks_anything(caller: Any, reader: Client, label: str) -> None:
    owner = caller("owner")
    sections = ["job", "code", "environment", "resources", "data", "secrets", "train", "command", "template"]
    for name in [*sections, *(leaf.name for leaf in leaves(JobSpec))]:
        if name.startswith("train.") and label not in TRAINED:
            continue  # one validator for all of them; these are the ways in which it could fall over
        answer = owner.post("jobs/validate" if "train." in name else "jobs", _nested(name, VALUES[label]))
        _require_refusal_or_success(answer, f"{name}={label}")
        if answer.status_code == 422:
            assert answer.json()["errors"], f"{name}={label} is refused without naming the field"
    require_all_lists(reader)


@pytest.mark.parametrize("path", WRITES)
def test_no_value_in_any_asset_breaks_anything(
    caller: Any, reader: Client, job: Job, path: str, tmp_path: Path
) -> None:
    owner, operator = caller("owner"), caller("operator")
    for field in WRITES[path]:
        for label, value in VALUES.items():
            good = {
                "name": f"n{field}{label}",
                "path": str(tmp_path),
                "interpreter": "/usr/bin/python3",
                "value": "s",
            }
            good["request"] = _nested("job.name", "probe")  # type: ignore[assignment]
            body = {name: good[name] for name in WRITES[path] if name in good} | {field: value}
            answer = (operator if path == "queues" else owner).post(path, body)
            _require_refusal_or_success(answer, f"{path} {field}={label}")
    require_all_lists(reader)


@pytest.mark.parametrize("label", BODIES)
def test_no_body_breaks_jobs(caller: Any, reader: Client, job: Job, label: str) -> None:
    owner = caller("owner")
    actions_of_job = [f"jobs/{job.uid}/clone", "jobs/validate", "jobs/cancel"]
    for path in ["jobs", *actions_of_job, *WRITES]:
        answer = owner.post(path, BODIES[label])
        allowed = label in HARMLESS or (path.endswith("clone") and label == "nothing")
        assert 400 <= answer.status_code < 500 or allowed, f"{path}: {answer.status_code}"
        _require_refusal_or_success(answer, path)
        if label == "60 MB":
            break
    assert owner.patch(f"jobs/{job.uid}", BODIES[label]).status_code < 500
    require_all_lists(reader)


PARAMETERS = {
    "list": [
        "limit",
        "cursor",
        "ordering",
        "fields",
        "search",
        "state",
        "owner",
        "team",
        "queue",
        "node",
        "template",
        "kind",
        "x%00y",
    ],
    "job": [
        "offset",
        "limit",
        "attempt",
        "source",
        "lines",
        "plain",
        "download",
        "after",
        "names",
        "after_step",
        "points",
        "path",
    ],
    "telemetry": ["node", "entity", "metric", "from", "to", "range", "points", "spread", "format"],
    "page": ["page", "ordering", "state", "owner", "node", "template", "clone", "q", "x%00y"],
}


def _addresses(job: Job) -> dict[str, list[str]]:
    routes = [*JOB_ROUTES, "/artifacts/content"]
    return {
        "list": [f"/api/v1/{name}" for name in REST],
        "job": [f"/api/v1/jobs/{job.uid}{route}" for route in routes],
        "telemetry": ["/api/v1/telemetry/latest", "/api/v1/telemetry/series"],
        "page": ["/jobs/", "/jobs/csv/", "/launch/", "/audit/", "/nodes/", "/search/", f"/jobs/{job.uid}/"],
    }


@pytest.mark.parametrize("kind", PARAMETERS)
@pytest.mark.parametrize("value", ["abc", "%00", "%ed%a0%80", "9" * 400, "-1"])
def test_no_parameter_breaks_an_address(reader: Client, job: Job, kind: str, value: str) -> None:
    for path in _addresses(job)[kind]:
        for name in PARAMETERS[kind]:
            address = f"{path}{'&' if '?' in path else '?'}{name}={value}"
            assert reader.get(address).status_code < 500, address


@pytest.mark.parametrize("uid", ["abc", "%00", "0" * 12, "%2e%2e%2f", "0" * 4000, "%ff", "'", "%ed%a0%80"])
def test_no_uid_breaks_a_job_address(reader: Client, uid: str) -> None:
    verbs = ["cancel/", "hold/", "release/", "template/", "webhooks/", "webhooks/x/"]
    for path in [*JOB_PAGES, *verbs, "attempts/1/run.sh", "attempts/99999999999999999999/run.sh"]:
        assert reader.get(f"/jobs/{uid}/{path}").status_code in {400, 404, 405}, path
        assert reader.post(f"/jobs/{uid}/{path}").status_code in {400, 404, 405}, path
    for kind in ["templates", "environments", "datasets", "secrets"]:
        for verb in ["", "check/", "scan/", "remove/", "retire/"]:
            assert reader.post(f"/{kind}/{uid}/{verb}").status_code in {400, 404, 405}, (kind, verb)


def _named_inputs(page: str) -> dict[str, str]:
    """name -> value of what a form sends, for inputs, selects and text areas alike."""
    found = {}
    for tag in re.findall(r"<(?:input|select|textarea)\b[^>]*>", page):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if attributes.get("name") and attributes["name"] != "csrfmiddlewaretoken":
            found[attributes["name"]] = unescape(attributes.get("value", ""))
    return found


def _typed(fields: dict[str, str], name: str, label: str) -> bytes:
    rest = urlencode({key: value for key, value in fields.items() if key != name})
    value = urlencode({name: str(VALUES[label])[:20_000]}, errors="surrogatepass")
    return f"{rest}&{value}".encode()


FORM_TYPE = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("path", FORMS)
def test_nothing_typed_into_a_form_breaks_anything(reader: Client, path: str) -> None:
    fields = _named_inputs(_text(reader.get(path)))
    assert fields or path == "/profile/password/", f"{path} has no fields; has it moved?"
    for name in fields:
        for label in TYPED:
            answer = reader.post(path, _typed(fields, name, label), content_type=FORM_TYPE)
            assert answer.status_code < 500, f"{path} {name}={label}: {_text(answer)[:300]}"
    require_all_lists(reader)


@pytest.mark.parametrize("label", ["nul", "markup", "controls", "path", "huge"])
def test_nothing_typed_on_the_job_page_breaks_it(reader: Client, job: Job, label: str) -> None:
    fields = _named_inputs(_text(reader.get(f"/jobs/{job.uid}/"))) | {
        "url": "https://example.org/",
        "name": "n",
    }
    for page in (
        f"/jobs/{job.uid}/template/",
        f"/jobs/{job.uid}/webhooks/",
        "/jobs/bulk/",
        "/launch/upload/",
    ):
        for name in [*fields, "jobs", "action", "x"]:
            answer = reader.post(page, _typed(fields, name, label), content_type=FORM_TYPE)
            assert answer.status_code < 500, f"{page} {name}={label}: {_text(answer)[:300]}"
    require_all_lists(reader)


# Sockets

DEEP = '{"type":' * 5000
MESSAGES: list[str | bytes] = [
    *["x", "null", "[]", "1", "{}", '"a"', DEEP, "[" * 100_000, '{"type":"subscribe"}', "x" * 1_000_000],
    *[json.dumps({"type": "subscribe", "topic": value}) for value in VALUES.values()],
    *[json.dumps({"type": value, "topic": "overview"}) for value in VALUES.values()],
    *[json.dumps({"type": "subscribe", "topic": f"{kind}:{VALUES[label]}"})
      for kind in ("job", "node", "rack", "notices", "overview") for label in TYPED],
    *[b"\x00", b"\xff" * 100_000],
]  # fmt: skip


@pytest.fixture
async def socket(person: Callable[[str], Any]) -> AsyncIterator[Callable[..., Any]]:
    opened: list[WebsocketCommunicator] = []

    async def connect(path: str, **headers: str) -> WebsocketCommunicator:
        cookie = await sync_to_async(_session)(person)
        every = {"origin": "http://localhost", "host": "localhost", "cookie": cookie, **headers}
        made = WebsocketCommunicator(application, path, [(k.encode(), v.encode()) for k, v in every.items()])
        made.accepted, _code = await made.connect(timeout=20)  # type: ignore[attr-defined]
        opened.append(made)
        return made

    yield connect
    for each in opened:
        await each.disconnect(timeout=20)


def _session(person: Callable[[str], Any]) -> str:
    client = Client()
    client.force_login(person("owner"), backend="django.contrib.auth.backends.ModelBackend")
    return f"dcp_session={client.cookies['dcp_session'].value}"


@pytest.mark.django_db(transaction=True)
async def test_no_message_breaks_the_live_socket(socket: Any) -> None:
    opened = await socket("/ws/live/")
    for message in MESSAGES:
        await opened.send_to(**{"bytes_data" if isinstance(message, bytes) else "text_data": message})
    await opened.send_to(text_data=json.dumps({"type": "subscribe", "topic": "overview"}))
    while True:
        answer = await opened.receive_output(timeout=20)
        assert answer["type"] == "websocket.send", answer
        heard = json.loads(answer["text"]) if answer.get("text") else {}
        if (heard.get("type"), heard.get("topic")) == ("subscribed", "overview"):
            return


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("uid", ["abc", "%00", "0" * 4000, "..%2f", "%ff", "'"])
async def test_no_address_breaks_the_log_socket(socket: Any, uid: str) -> None:
    opened = await socket(f"/ws/jobs/{uid}/logs/?offset=%00&attempt=abc&x=y")
    if opened.accepted:
        assert (await opened.receive_output(timeout=20))["type"] == "websocket.close"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/ws/live/", "/ws/jobs/000000000000/logs/"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost.evil.example"},
        {"origin": "file://"},
        {"origin": "\x7f"},
        {"host": "evil.example", "origin": "http://evil.example"},
    ],
)
async def test_a_forged_origin_or_host_opens_no_socket(
    socket: Any, path: str, headers: dict[str, str]
) -> None:
    assert not (await socket(path, **headers)).accepted
