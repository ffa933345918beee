"""Every route x role x own/other: each write by each role, each page by each role, nothing in between."""

import pytest
from django.test import Client

from dcportal.audit.models import AuditEntry
from tests.api.conftest import caller  # noqa: F401
from tests.audit import writes
from tests.audit.test_every_write_is_audited import OURS, world  # noqa: F401
from tests.fixtures.routes import SAFE, address_of, app_of, operations, pages

ROLES = {"viewer": 0, "owner": 1, "operator": 2, "admin": 3}
RANK = {"viewer": 0, "user": 1, "operator": 2, "admin": 3}
PRIVATE_PAGES = {
    # page: weakest role that sees it; every other read-only page is for all who are signed in
    "inventory:node-token-list": "operator",
    "inventory:node-token-detail": "operator",
}


def _count(verb: str) -> int:
    return AuditEntry.objects.filter(verb=verb).count()


@pytest.mark.parametrize("who", ROLES)
@pytest.mark.parametrize("key", sorted(writes.PAGES))
def test_a_form_is_for_its_roles_only(client_of, world, key, who):  # noqa: F811
    write = writes.PAGES[key]
    client, before = client_of(who), _count(write.verb)
    answer = client.post(write.path(world), write.body(world))
    if ROLES[who] >= RANK[write.least]:
        assert answer.status_code < 400
        assert _count(write.verb) == before + 1
    else:
        assert answer.status_code in {403, 404}
        assert _count(write.verb) == before


@pytest.mark.parametrize("who", ROLES)
@pytest.mark.parametrize("key", sorted(writes.OPERATIONS))
def test_an_operation_is_for_its_roles_only(caller, world, key, who):  # noqa: F811
    write = writes.OPERATIONS[key]
    client, before = caller(who), _count(write.verb)
    method = key.split()[0].lower()
    more = () if method == "delete" else (write.body(world),)
    answer = getattr(client, method)(write.path(world), *more)
    if ROLES[who] >= RANK[write.least]:
        assert answer.status_code < 400, answer.content
        assert _count(write.verb) == before + 1
    else:
        assert answer.status_code in {403, 404, 422}, answer.content
        assert _count(write.verb) == before


@pytest.mark.parametrize("scopes", [["read"], ["read", "jobs"]])
@pytest.mark.parametrize("key", sorted(writes.OPERATIONS))
def test_a_token_without_the_scope_writes_nothing(caller, world, key, scopes):  # noqa: F811
    write = writes.OPERATIONS[key]
    before = _count(write.verb)
    method = key.split()[0].lower()
    more = () if method == "delete" else (write.body(world),)
    answer = getattr(caller("admin", scopes=scopes), method)(write.path(world), *more)
    assert answer.status_code == 403
    assert _count(write.verb) <= before + (write.verb == "token.create")


def _open_paths() -> set[str]:
    return {"healthz", "readyz", "sign-in/", "link/{secret}/", "i18n/setlang/", "i18n/catalogue.js"}


@pytest.mark.parametrize("method", ["get", "post"])
def test_every_page_asks_for_a_sign_in(db, method):
    """Default deny, for every page of every app; `/metrics` answers by token or address."""
    for route in pages():
        if route.path in _open_paths() or route.key == "monitoring:metrics":
            continue
        path = address_of(route)
        answer = getattr(Client(), method)(path)
        assert answer.status_code in {302, 401, 403, 404}, f"{method} {path} answered {answer.status_code}"
        if answer.status_code == 302:
            assert answer["Location"].startswith("/sign-in/"), path


def test_every_operation_asks_for_a_token(db):
    for operation in operations():
        path = address_of(operation)
        answer = Client().generic(operation.method, path, b"{}", content_type="application/json")
        assert answer.status_code == 401, f"{operation.key} answered {answer.status_code}"


def test_a_wrong_token_opens_nothing(db):
    for operation in operations():
        path = address_of(operation)
        headers = {"authorization": "Bearer dcp_api_wrong"}
        assert Client().generic(operation.method, path, headers=headers).status_code == 401, operation.key


@pytest.mark.parametrize("who", ROLES)
def test_every_read_only_page_is_for_its_roles(client_of, world, who):  # noqa: F811
    from tests.audit.test_every_write_is_audited import _uid_for

    client = client_of(who)
    for route in pages():
        is_own_user = route.key == "accounts:user-detail"
        if route.namespace not in {"inventory", "accounts"} or route.key not in writes.READ_ONLY:
            continue
        if is_own_user or route.key in {"accounts:team-detail", "accounts:token-detail"}:
            continue  # own/other below
        answer = client.get("/" + route.path.format(uid=_uid_for(world, route.key)))
        allowed = ROLES[who] >= RANK[PRIVATE_PAGES.get(route.key, "viewer")]
        assert (answer.status_code == 200) == allowed, f"{who} {route.key} {answer.status_code}"


@pytest.mark.parametrize(
    ("who", "user", "team", "token"),
    [
        ("owner", 200, 200, 200),
        ("teammate", 200, 200, 404),
        ("lead", 200, 200, 404),
        ("viewer", 200, 200, 404),
        ("stranger", 404, 404, 404),
        ("operator", 200, 200, 404),
        ("admin", 200, 200, 200),
    ],
)
def test_people_teams_and_tokens_by_own_and_other(client_of, caller, world, who, user, team, token):  # noqa: F811
    client, api = client_of(who), caller(who)
    for noun, uid, expected in (
        ("users", world.user.uid, user),
        ("teams", world.team.uid, team),
        ("tokens", world.token.uid, token),
    ):
        assert client.get(f"/{noun}/{uid}/").status_code == expected, noun
        assert api.get(f"{noun}/{uid}").status_code == expected, noun
        listed = {row["uid"] for row in api.get(f"{noun}?limit=200").json()["results"]}
        assert (uid in listed) == (expected == 200), noun


def test_every_list_operation_of_ours_answers_every_role(caller, world):  # noqa: F811
    for who in ROLES:
        client = caller(who)
        for operation in operations():
            if operation.method in SAFE and app_of(operation) in OURS and "{" not in operation.path:
                assert client.get(operation.path.removeprefix("api/v1/")).status_code == 200
