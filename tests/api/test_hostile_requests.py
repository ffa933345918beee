"""Hostile bodies, parameters and headers: a 4xx, never a 5xx, and no row that later breaks a list."""

from itertools import product

import pytest

from dcportal.inventory.actions import add_record, create_node_token, node_hello
from dcportal.inventory.models import Node, Room, Row, Site
from tests.api.corpus import BODIES, HARMLESS, VALUES
from tests.audit.world import ACTOR
from tests.inventory.conftest import gpu, hello_of

INVENTORY = ["sites", "rooms", "rows", "racks", "node-types", "nodes", "accelerators", "node-tokens"]
LISTS = [*INVENTORY, "users", "teams", "tokens", "audit"]
WRITES = {
    "sites": ["name", "kind", "timezone", "address"],
    "rooms": ["site", "name"],
    "rows": ["room", "name"],
    "racks": ["row", "name", "height_units", "power_limit_kilowatts"],
    "node-types": ["manufacturer", "model", "height_units", "accelerator_count", "idle_watts"],
    "nodes": ["name", "site", "rack", "node_type", "position_units", "serial", "lifecycle"],
    "node-tokens": ["name", "nodes", "accepts_at_once", "may_simulate"],
    "users": ["username", "full_name", "email", "role", "language", "timezone", "theme", "unix_account"],
    "teams": ["name", "description"],
    "tokens": ["name", "role", "scopes", "expires_at", "user"],
}


@pytest.fixture
def site(db, now):
    add = lambda model, **values: add_record(ACTOR, model, values, now)  # noqa: E731
    site = add(Site, name="FRA1")
    room = add(Room, site=site, name="Hall")
    add(Row, room=room, name="A")
    _token, secret = create_node_token(ACTOR, {"name": "a01"}, now)
    node_hello(secret, hello_of("a01", gpu("A")), now)
    return site


def _require_lists_answer(caller):
    for path in LISTS:
        answer = caller.get(f"{path}?limit=200")
        assert answer.status_code == 200, f"{path} is broken: {answer.content[:300]!r}"


def _good(path, site, number):
    room, row = Room.objects.earliest("id"), Row.objects.earliest("id")
    return {
        "sites": {"name": f"s{number}"},
        "rooms": {"site": site.uid, "name": f"r{number}"},
        "rows": {"room": room.uid, "name": f"r{number}"},
        "racks": {"row": row.uid, "name": f"r{number}"},
        "node-types": {"manufacturer": "m", "model": f"t{number}"},
        "nodes": {"name": f"n{number}"},
        "node-tokens": {"name": f"t{number}"},
        "users": {"username": f"u{number}"},
        "teams": {"name": f"t{number}"},
        "tokens": {"name": f"t{number}", "role": "viewer", "scopes": ["read"]},
    }[path]


@pytest.mark.parametrize("path", sorted(WRITES))
def test_no_value_in_any_field_breaks_anything(caller, site, path):
    admin = caller("admin")
    for number, (field, label) in enumerate(product(WRITES[path], VALUES)):
        body = {**_good(path, site, number), field: VALUES[label]}
        answer = admin.post(path, body)
        assert answer.status_code < 500, f"{path} {field}={label}: {answer.content[:300]!r}"
        if answer.status_code >= 400:
            problem = answer.json()
            assert answer["Content-Type"] == "application/problem+json"
            assert problem["status"] == answer.status_code
    _require_lists_answer(admin)


@pytest.mark.parametrize("path", sorted(WRITES))
def test_no_value_in_any_change_breaks_anything(caller, site, path):
    admin = caller("admin")
    if path in {"tokens", "node-tokens"}:
        return
    made = admin.post(path, _good(path, site, 0)).json()["uid"]
    for field, label in product(WRITES[path], VALUES):
        answer = admin.patch(f"{path}/{made}", {field: VALUES[label]})
        assert answer.status_code < 500, f"{path} {field}={label}: {answer.content[:300]!r}"
    _require_lists_answer(admin)


@pytest.mark.parametrize("label", BODIES)
def test_no_body_breaks_anything(caller, site, label):
    admin = caller("admin")
    node = Node.objects.get()
    for path in [*WRITES, f"nodes/{node.uid}/drain"]:
        answer = admin.post(path, BODIES[label])
        assert 400 <= answer.status_code < 500 or label in HARMLESS, f"{path}: {answer.status_code}"
        assert answer.status_code < 400 or answer["Content-Type"] == "application/problem+json"
        if label == "60 MB":
            break
    _require_lists_answer(admin)


@pytest.mark.parametrize(
    "value",
    ["abc", "%00", "%ed%a0%80", "9e99", "-1", "9" * 400, "[]", "{}", "'", "%25252e", "a" * 5000, "", "null"],
)
def test_no_parameter_breaks_a_list(caller, site, value):
    admin = caller("admin")
    names = ["limit", "cursor", "ordering", "fields", "search", "node", "site", "rack", "model", "since"]
    for path, name in product(LISTS, [*names, "simulated", "liveness", "verb", "format", "x", "x%00y"]):
        answer = admin.get(f"{path}?{name}={value}")
        assert answer.status_code < 500, f"{path}?{name}={value}"


@pytest.mark.parametrize(
    "uid", ["abc", "%00", "0" * 12, "../x", "%2e%2e%2f", "O" * 12, "0" * 4000, "1;drop", "%ff"]
)
def test_no_uid_breaks_a_detail(caller, site, uid):
    admin = caller("admin")
    for path in LISTS:
        for answer in (
            admin.get(f"{path}/{uid}"),
            admin.patch(f"{path}/{uid}", {}),
            admin.delete(f"{path}/{uid}"),
        ):
            assert answer.status_code in {400, 404, 405}, f"{path}/{uid}: {answer.status_code}"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "testserver:99999999"},
        {"if-match": '"999999999999999999999999"'},
        {"if-match": "garbage"},
        {"if-none-match": "\x80"},
        {"accept": "text/html"},
        {"accept": "application/x-nonsense"},
        {"accept-language": "x" * 5000},
        {"authorization": "Bearer"},
        {"authorization": "Bearer \x00"},
        {"authorization": "Bearer " + "x" * 50_000},
        {"authorization": "Basic !!!"},
        {"content-type": "application/xml"},
        {"x-request-id": "a\nb"},
        {"x-http-method-override": "DELETE"},
        {"cookie": "dcp_session=\x00; dcp_csrf=x"},
    ],
)
def test_no_header_breaks_anything(caller, site, headers):
    admin = caller("admin")
    assert admin.get("sites", **headers).status_code < 500
    assert admin.patch(f"sites/{site.uid}", {"name": "FRA9"}, **headers).status_code < 500
    _require_lists_answer(admin)
    assert Site.objects.filter(uid=site.uid).exists()
