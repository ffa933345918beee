"""Pages of the inventory: lists that narrow, forms that name the field, nothing for the wrong hands."""

import csv
import io

import pytest

from dcportal.inventory.actions import add_record, node_hello
from dcportal.inventory.models import Node, NodeToken, Rack, Room, Row, Site
from tests.inventory.conftest import gpu, hello_of

LISTS = ["sites", "rooms", "rows", "racks", "node-types", "nodes", "accelerators"]


@pytest.fixture
def rack(actor_named, now):
    operator = actor_named("operator")
    site = add_record(operator, Site, {"name": "FRA1"}, now)
    room = add_record(operator, Room, {"site": site, "name": "Hall 1"}, now)
    row = add_record(operator, Row, {"room": room, "name": "A"}, now)
    return add_record(operator, Rack, {"row": row, "name": "A01", "power_limit_kilowatts": 20.0}, now)


@pytest.fixture
def node(token_for, now):
    hello = hello_of("a01", gpu("A"), gpu("B", 1))
    return Node.objects.get(uid=node_hello(token_for(), hello, now).node_uid)


@pytest.mark.parametrize("path", LISTS)
def test_an_empty_list_says_what_to_do_next(client_of, path):
    page = client_of("operator").get(f"/{path}/")
    assert page.status_code == 200
    assert 'class="empty"' in page.content.decode()


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "query",
    [
        "page=9e99",
        "page=0",
        "page=-1",
        "page=99999999999",
        "ordering=password",
        "search=%00",
        "search=" + "x" * 300,
    ],
)
def test_a_wrong_parameter_is_a_clean_page_naming_it(client_of, path, query):
    page = client_of("viewer").get(f"/{path}/?{query}")
    assert page.status_code == 422
    assert query.split("=")[0] in page.content.decode()


@pytest.mark.parametrize("query", ["site=abc", "rack=%00", "liveness=dead", "simulated=perhaps"])
def test_a_wrong_filter_is_a_clean_page(client_of, query):
    assert client_of("viewer").get(f"/nodes/?{query}").status_code == 422


def test_a_page_beyond_the_last_shows_the_last(client_of, node):
    assert "a01" in client_of("viewer").get("/nodes/?page=7").content.decode()


def test_a_list_is_searched_filtered_and_shows_its_chips(client_of, rack, node):
    page = client_of("viewer").get(f"/nodes/?search=a0&rack={rack.uid}").content.decode()
    assert "Nothing matches" in page
    assert "A01" in page


def test_the_csv_file_holds_what_the_list_holds(client_of, node):
    answer = client_of("viewer").get("/nodes/?format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert [(row["name"], row["uid"], row["admission"]) for row in rows] == [("a01", node.uid, "new")]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_name_cannot_become_a_formula(client_of, actor_named, now, name):
    add_record(actor_named("operator"), Site, {"name": name}, now)
    rows = list(csv.reader(io.StringIO(client_of("viewer").get("/sites/?format=csv").getvalue().decode())))
    assert rows[1][0].startswith("'")


def test_markup_in_a_name_stays_text(client_of, actor_named, now):
    add_record(actor_named("operator"), Site, {"name": "<script>alert(1)</script>"}, now)
    page = client_of("viewer").get("/sites/").content.decode()
    assert "<script>alert" not in page


def test_a_site_is_entered_changed_and_deleted_by_forms(client_of):
    client = client_of("operator")
    made = client.post("/sites/new/", {"name": "FRA1", "kind": "core", "timezone": "UTC"}, follow=True)
    assert "FRA1" in made.content.decode()
    site = Site.objects.get()
    client.post(
        f"/sites/{site.uid}/edit/", {"name": "FRA2", "kind": "core", "timezone": "UTC", "revision": 1}
    )
    assert Site.objects.get().name == "FRA2"
    client.post(f"/sites/{site.uid}/delete/")
    assert not Site.objects.exists()


def test_a_form_shows_the_problem_beside_its_field(client_of):
    answer = client_of("operator").post("/sites/new/", {"name": "x", "kind": "core", "timezone": "Mars/Base"})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["timezone"]


def test_an_edit_on_an_older_form_is_refused(client_of, rack):
    body = {"row": rack.row.uid, "name": "X", "height_units": 42, "revision": 99}
    answer = client_of("operator").post(f"/racks/{rack.uid}/edit/", body)
    assert answer.status_code == 422
    assert "changed this meanwhile" in answer.content.decode()
    assert Rack.objects.get().name == "A01"


def test_a_used_record_is_not_deleted_and_the_page_says_by_what(client_of, rack):
    answer = client_of("operator").post(f"/rows/{rack.row.uid}/delete/")
    assert answer.status_code == 409
    assert "1 rack" in answer.content.decode()


@pytest.mark.parametrize("kind", ["site", "room", "row", "rack"])
def test_every_place_has_a_page(client_of, rack, kind):
    row = {"rack": rack, "row": rack.row, "room": rack.row.room, "site": rack.row.room.site}[kind]
    page = client_of("viewer").get(f"/{kind}s/{row.uid}/")
    assert page.status_code == 200
    assert row.name in page.content.decode()


def test_the_rack_page_lists_what_stands_in_it(client_of, rack, node, actor_named, now):
    Node.objects.filter(pk=node.pk).update(rack=rack, position_units=3)
    page = client_of("viewer").get(f"/racks/{rack.uid}/").content.decode()
    assert "a01" in page
    assert "20 kW" in page


def test_the_node_page_shows_facts_gpus_and_why_it_is_watch_only(client_of, node):
    page = client_of("viewer").get(f"/nodes/{node.uid}/").content.decode()
    assert "GPU-A" in page
    assert "Accept this node" in page


def test_the_accelerator_page_shows_where_it_has_been(client_of, node):
    page = client_of("viewer").get(f"/accelerators/{node.accelerators.first().uid}/").content.decode()
    assert "0000:00:00.0" in page


def test_an_operator_accepts_drains_and_resumes(client_of, node):
    client = client_of("operator")
    client.post(f"/nodes/{node.uid}/accept/")
    assert client.post(f"/nodes/{node.uid}/drain/", {"reason": ""}).status_code == 422
    client.post(f"/nodes/{node.uid}/drain/", {"reason": "fan swap"})
    node.refresh_from_db()
    assert (node.admission, node.schedulable) == ("accepted", False)
    assert "fan swap" in client.get(f"/nodes/{node.uid}/").content.decode()
    client.post(f"/nodes/{node.uid}/resume/")
    node.refresh_from_db()
    assert node.schedulable


def test_a_node_token_is_shown_once(client_of):
    client = client_of("operator")
    page = client.post("/node-tokens/new/", {"name": "a01"}).content.decode()
    assert "dcp_node_" in page
    token = NodeToken.objects.get()
    assert "dcp_node_" not in client.get(f"/node-tokens/{token.uid}/").content.decode()
    client.post(f"/node-tokens/{token.uid}/revoke/")
    token.refresh_from_db()
    assert token.revoked_at


@pytest.mark.parametrize("path", ["/node-tokens/", "/node-tokens/new/", "/sites/new/"])
def test_a_user_does_not_get_the_operators_pages(client_of, path):
    assert client_of("owner").get(path).status_code == 403


@pytest.mark.parametrize("path", ["/nodes/abc/", "/nodes/000000000000/", "/racks/zzzzzzzzzzzz/"])
def test_an_unknown_uid_is_not_found(client_of, path):
    assert client_of("viewer").get(path).status_code == 404


def test_an_edit_form_begins_with_what_is_stored(client_of, rack, node):
    Node.objects.filter(pk=node.pk).update(rack=rack, site=rack.row.room.site, position_units=3)
    page = client_of("operator").get(f"/nodes/{node.uid}/edit/").content.decode()
    assert f'<option value="{rack.uid}" selected>' in page
    assert f'<option value="{rack.row.room.site.uid}" selected>' in page


def test_saving_an_edit_form_untouched_changes_nothing(client_of, rack, node):
    Node.objects.filter(pk=node.pk).update(rack=rack, position_units=3)
    form = client_of("operator").get(f"/nodes/{node.uid}/edit/").context["form"]
    body = {field.html_name: field.value() for field in form if field.value() is not None}
    body = {name: getattr(value, "uid", value) for name, value in body.items()}
    assert client_of("operator").post(f"/nodes/{node.uid}/edit/", body).status_code == 302
    saved = Node.objects.get(pk=node.pk)
    assert (saved.rack, saved.position_units, saved.name) == (rack, 3, "a01")
