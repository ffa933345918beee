"""Every write of jobs, notices and the first page leaves one line with actor, before and after."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from dcportal.audit.models import AuditEntry
from tests.fixtures.routes import SAFE, app_of, operations
from tests.jobs import writes
from tests.jobs.api.conftest import call  # noqa: F401

OF_OTHERS = {"sites", "rooms", "rows", "racks", "node-types", "nodes", "accelerators", "node-tokens"}
OF_OTHERS |= {"users", "teams", "tokens", "me", "audit"}


def _archive() -> SimpleUploadedFile:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("train.py", "print(1)")
    return SimpleUploadedFile("code.zip", content.getvalue(), content_type="application/zip")


@pytest.fixture
def world(call: Callable[..., Any], submitted: Callable[..., Any], client_of: Any, tmp_path: Path) -> Any:  # noqa: F811
    """One of everything that jobs are made from, the owner's."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        (folder / "data.bin").write_bytes(b"x")

    def make(path: str, body: dict[str, Any], who: str = "owner") -> str:
        answer = call(who, "post", path, body)
        assert answer.status_code == 201, answer.content
        return answer.json()["uid"]

    import sys

    held = submitted(name="held").uid
    call("owner", "post", f"jobs/{held}/hold")
    request = {"job": {"name": "t"}, "command": ["python", "train.py"]}
    form = client_of("owner").get("/launch/").context["form"]
    fields = {name: str(form.initial.get(name) or "") for name in form.fields}
    hook = {"name": "hook", "url": "https://93.184.216.34/z", "team": "research"}
    return {
        "job": submitted().uid,
        "held": held,
        "template": make("job-templates", {"name": "T", "request": request}),
        "environment": make("environments", {"name": "mine", "interpreter": sys.executable}),
        "dataset": make("datasets", {"name": "mine", "path": str(folders[0])}),
        "other_folder": str(folders[1]),
        "secret": make("secrets", {"name": "MY_KEY", "value": "canary"}),
        "queue": make("queues", {"name": "mine"}, "operator"),
        "webhook": make("webhooks", hook),
        "launch_fields": fields | {"job.name": "launched", "command": "python train.py"},
        "file": _archive,
    }


def _line_after(before: int, verb: str) -> AuditEntry:
    (line,) = AuditEntry.objects.filter(pk__gt=before, verb=verb)
    return line


@pytest.mark.parametrize("key", sorted(writes.PAGES))
def test_a_form_leaves_its_line(client_of: Callable[[str], Client], world: Any, key: str) -> None:
    write = writes.PAGES[key]
    client = client_of(write.who)
    if key == "dashboard:demo-hall-remove":
        client.post("/demo-hall/show/")
    before = AuditEntry.objects.latest("id").pk
    answer = client.post(f"/{write.path.format(**world)}", write.body(world))
    assert answer.status_code < 400, answer.content[-1500:]
    line = _line_after(before, write.verb)
    assert (line.actor_name, line.via) == (write.who, "web")
    assert line.before or line.after
    assert "canary" not in str(line.before) + str(line.after)


@pytest.mark.parametrize("key", sorted(writes.OPERATIONS))
def test_an_api_call_leaves_its_line(
    call: Callable[..., Any],  # noqa: F811
    client_of: Callable[[str], Client],
    world: Any,
    key: str,
) -> None:
    write = writes.OPERATIONS[key]
    before = AuditEntry.objects.latest("id").pk
    method, path = key.split()[0], write.path.format(**world)
    if "code-uploads" in path:
        answer = client_of(write.who).post(f"/api/v1/{path}", write.body(world))
    else:
        answer = call(write.who, method, path, write.body(world) if method != "DELETE" else None)
    assert answer.status_code < 400, answer.content
    line = _line_after(before, write.verb)
    assert (line.actor_name, line.via) == (write.who, "api")
    assert line.before or line.after
    assert "canary" not in str(line.before) + str(line.after)


OWNED = sorted(key for key, write in writes.OPERATIONS.items() if "{" in write.path)


@pytest.mark.parametrize("key", OWNED)
@pytest.mark.parametrize("who", ["stranger", "viewer"])
def test_the_wrong_hands_change_nothing_and_leave_no_line(
    call: Callable[..., Any],  # noqa: F811
    world: Any,
    key: str,
    who: str,
) -> None:
    write = writes.OPERATIONS[key]
    before = AuditEntry.objects.latest("id").pk
    method, path = key.split()[0], write.path.format(**world)
    answer = call(who, method, path, write.body(world) if method != "DELETE" else None)
    assert answer.status_code in {403, 404}, answer.content
    assert not AuditEntry.objects.filter(pk__gt=before, actor_name=who).exclude(verb="session.begin").exists()


def test_every_operation_is_in_a_table() -> None:
    wanted = {op.key for op in operations() if op.method not in SAFE and app_of(op) not in OF_OTHERS}
    assert wanted == {*writes.OPERATIONS, *writes.NO_LINE}
