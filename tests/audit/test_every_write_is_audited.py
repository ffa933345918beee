"""Every route that writes leaves one line that says who, what, before and after.

A new route of any app fails here until it stands in a table: `tests.audit.writes` for accounts,
inventory and audit, `tests.jobs.writes` for the other apps.
"""

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dcportal.audit.models import AuditEntry
from tests.api.conftest import caller  # noqa: F401
from tests.audit import writes
from tests.audit.world import World, build_world
from tests.fixtures.routes import SAFE, app_of, operations, pages
from tests.jobs import writes as jobs_writes

OURS = {"sites", "rooms", "rows", "racks", "node-types", "nodes", "accelerators", "node-tokens"} | {
    "users",
    "teams",
    "tokens",
    "me",
    "audit",
}


@pytest.fixture
def world(person, team_named, now) -> World:
    person("lead")
    return build_world(person, team_named, now)


def test_every_page_is_in_a_table():
    known = {*writes.PAGES, *writes.OPEN, *writes.READ_ONLY, *jobs_writes.PAGES, *jobs_writes.READ_ONLY}
    unknown = {route.key for route in pages()} - known
    assert not unknown, f"say in tests/audit/writes.py or tests/jobs/writes.py what these write: {unknown}"


def test_every_operation_of_ours_is_in_a_table():
    wanted = {op.key for op in operations() if op.method not in SAFE and app_of(op) in OURS}
    assert wanted == set(writes.OPERATIONS)


def test_no_table_names_a_route_that_is_gone():
    known = {route.key for route in pages()}
    assert {*writes.PAGES, *writes.OPEN, *writes.READ_ONLY} <= known


def _new_lines(verb: str, before: int) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(pk__gt=before, verb=verb))


def _last_line() -> int:
    return AuditEntry.objects.latest("id").pk


@pytest.mark.parametrize("key", sorted(writes.PAGES))
def test_a_form_leaves_its_line(client_of, world, key):
    write = writes.PAGES[key]
    client, before = client_of("admin"), _last_line()
    answer = client.post(write.path(world), write.body(world))
    assert answer.status_code < 400, answer.content[-2000:]
    (line,) = _new_lines(write.verb, before)
    assert (line.actor_name, line.via, line.actor_kind) == ("admin", "web", "user")
    assert line.before or line.after
    assert line.request_id


@pytest.mark.parametrize("key", sorted(writes.OPERATIONS))
def test_an_api_call_leaves_its_line(caller, world, key):  # noqa: F811
    write = writes.OPERATIONS[key]
    admin, before = caller("admin"), _last_line()
    method = key.split()[0].lower()
    more = () if method == "delete" else (write.body(world),)
    answer = getattr(admin, method)(write.path(world), *more)
    assert answer.status_code < 400, answer.content
    (line,) = _new_lines(write.verb, before)
    assert (line.actor_kind, line.via) == ("token", "api")
    assert line.before or line.after


@pytest.mark.parametrize("key", sorted(writes.OPEN))
def test_a_visitors_write_leaves_its_line(world, key):
    write = writes.OPEN[key]
    before = _last_line()
    assert Client().post(write.path(world), write.body(world)).status_code == 302
    (line,) = _new_lines(write.verb, before)
    assert line.actor_name in {"owner", "stranger"}


@pytest.mark.parametrize(
    ("command", "verbs"),
    [
        (["create_admin", "boss"], {"user.create", "link.issue"}),
        (["create_token", "owner"], {"token.create"}),
        (["create_node_token", "b01"], {"node_token.create"}),
    ],
)
def test_a_command_leaves_its_lines(world, capsys, command, verbs):
    before = _last_line()
    call_command(*command)
    lines = AuditEntry.objects.filter(pk__gt=before)
    assert verbs <= {line.verb for line in lines}
    assert all(line.actor_kind == "system" for line in lines)


@pytest.mark.parametrize("key", sorted(key for key in writes.READ_ONLY if ":" in key))
def test_a_page_that_says_it_only_reads_writes_nothing(client_of, world, key):
    route = next(route for route in pages() if route.key == key)
    if route.path.startswith("api/"):
        return
    uid = _uid_for(world, key)
    client = client_of("admin")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        client.post("/" + route.path.format(uid=uid) + ("" if route.path.endswith("/") else "/"))
    written = [q["sql"] for q in queries if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert [sql for sql in written if "django_session" not in sql] == []


def _uid_for(world: World, key: str) -> str:
    noun = key.split(":")[1].rsplit("-", 1)[0].replace("-", "_")
    if key == "audit:detail":
        return AuditEntry.objects.latest("id").uid
    if noun == "accelerator":
        return world.node.accelerators.first().uid
    return getattr(world, noun).uid if hasattr(world, noun) else ""
