"""Query budgets of lists: recorded in tests/query_counts.json, and the same for 1 row and for 40.

A page may use fewer than recorded. To raise a budget on purpose, change the file in the same commit.
"""

from dcportal.accounts.actions import create_team, create_user
from dcportal.inventory.actions import add_record, create_node_token, node_hello
from dcportal.inventory.models import NodeType, Rack, Room, Row, Site
from tests.api.conftest import caller  # noqa: F401
from tests.audit.world import ACTOR
from tests.fixtures.budgets import BUDGETS, keys_of, queries_of
from tests.inventory.conftest import gpu, hello_of

OURS = {"sites", "rooms", "rows", "racks", "node-types", "nodes", "accelerators", "node-tokens"}
OURS |= {"users", "teams", "tokens", "audit"}


def _fill(count, now, first=0):
    for number in range(first, first + count):
        site = add_record(ACTOR, Site, {"name": f"S{number}"}, now)
        room = add_record(ACTOR, Room, {"site": site, "name": "Hall"}, now)
        row = add_record(ACTOR, Row, {"room": room, "name": "A"}, now)
        add_record(ACTOR, Rack, {"row": row, "name": f"R{number}"}, now)
        add_record(ACTOR, NodeType, {"manufacturer": "m", "model": f"t{number}"}, now)
        _token, secret = create_node_token(ACTOR, {"name": f"n{number}"}, now)
        node_hello(secret, hello_of(f"n{number}", gpu(f"a{number}"), gpu(f"b{number}", 1)), now)
        create_user(ACTOR, {"username": f"u{number}"}, now)
        create_team(ACTOR, {"name": f"team{number}"}, now)


def test_pages_stay_within_their_budgets_whatever_their_rows(client_of, now):
    client, keys = client_of("admin"), keys_of("page", OURS)
    _fill(1, now)
    few = {key: queries_of(client, key) for key in keys}
    _fill(40, now, first=1)
    assert {key: queries_of(client, key) for key in keys} == few
    assert {key: count for key, count in few.items() if count > BUDGETS[key]} == {}


def test_list_operations_stay_within_their_budgets_whatever_their_rows(caller, now):  # noqa: F811
    admin, keys = caller("admin"), keys_of("api", OURS)
    _fill(1, now)
    few = {key: queries_of(admin.client, key, headers=admin.headers) for key in keys}
    _fill(40, now, first=1)
    assert {key: queries_of(admin.client, key, headers=admin.headers) for key in keys} == few
    assert {key: count for key, count in few.items() if count > BUDGETS[key]} == {}


def test_every_list_has_a_budget():
    assert {f"page /{name}/" for name in OURS} <= set(BUDGETS)
    assert {f"api /api/v1/{name}" for name in OURS} <= set(BUDGETS)
