"""The inventory over REST: the same actions, the same refusals, as JSON."""

import pytest

from dcportal.inventory.actions import node_hello
from dcportal.inventory.models import Node, Site
from tests.inventory.conftest import gpu, hello_of, token_for  # noqa: F401


def errors(response):
    return {error["pointer"]: error["code"] for error in response.json()["errors"]}


@pytest.fixture
def node(token_for, now):  # noqa: F811
    hello = hello_of("a01", gpu("A"), gpu("B", 1))
    return Node.objects.get(uid=node_hello(token_for(), hello, now).node_uid)


def test_a_site_is_created_read_changed_and_deleted(caller):
    operator = caller("operator")
    made = operator.post("sites", {"name": "FRA1", "timezone": "Europe/Berlin"})
    assert made.status_code == 201
    path = f"sites/{made.json()['uid']}"
    assert operator.get(path).json()["timezone"] == "Europe/Berlin"
    assert operator.patch(path, {"kind": "edge"}).json()["kind"] == "edge"
    assert operator.delete(path).status_code == 204
    assert operator.get(path).status_code == 404


def test_addresses_work_with_and_without_a_slash_at_the_end(caller):
    assert caller("viewer").get("sites").status_code == 200
    assert caller("viewer").get("sites/").status_code == 200


@pytest.mark.parametrize("who", ["viewer", "owner"])
def test_others_read_but_do_not_write(caller, who):
    assert caller(who).get("sites").status_code == 200
    assert caller(who).post("sites", {"name": "X"}).status_code == 403


def test_nobody_reads_without_a_token(caller, db):
    response = caller(None).get("sites")
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert response["Content-Type"] == "application/problem+json"


def test_a_token_without_the_scope_cannot_write(caller):
    assert caller("operator", scopes=["read", "jobs"]).post("sites", {"name": "X"}).status_code == 403


def test_a_token_of_a_weaker_role_cannot_write(caller):
    assert caller("operator", role="viewer").post("sites", {"name": "X"}).status_code == 403


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": ["x"]}, "/name"),
        ({"name": "x", "timezone": "Mars"}, "/timezone"),
        ({"name": "x", "colour": 1}, "/colour"),
        ({"name": "x", "uid": "000000000000"}, "/uid"),
        ({"name": "x", "is_simulated": True}, "/is_simulated"),
        ([], ""),
    ],
)
def test_a_wrong_field_is_named_by_its_pointer(caller, body, pointer):
    response = caller("operator").post("sites", body)
    assert response.status_code == 422
    assert pointer in errors(response)
    assert not Site.objects.exists()


def test_of_many_unknown_fields_the_first_twenty_are_named(caller):
    answer = caller("operator").post("sites", {f"k{number}": 1 for number in range(5000)})
    assert answer.status_code == 422
    assert list(errors(answer)) == [f"/k{number}" for number in range(20)]


def test_a_reference_is_given_by_uid(caller):
    operator = caller("operator")
    site = operator.post("sites", {"name": "FRA1"}).json()["uid"]
    assert operator.post("rooms", {"site": site, "name": "Hall 1"}).json()["site"] == site
    assert errors(operator.post("rooms", {"site": "nope", "name": "Hall 2"})) == {"/site": "does_not_exist"}


def test_a_duplicate_is_named(caller):
    operator = caller("operator")
    operator.post("sites", {"name": "FRA1"})
    assert errors(operator.post("sites", {"name": "FRA1"})) == {"/name": "not_unique"}


def test_an_edit_with_an_older_etag_is_refused(caller):
    operator = caller("operator")
    path = f"sites/{operator.post('sites', {'name': 'FRA1'}).json()['uid']}"
    etag = operator.get(path)["ETag"]
    assert operator.patch(path, {"name": "FRA2"}, **{"if-match": etag}).status_code == 200
    stale = operator.patch(path, {"name": "FRA3"}, **{"if-match": etag})
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")
    assert operator.get(path).json()["name"] == "FRA2"


def test_an_unchanged_list_costs_no_body(caller):
    operator = caller("operator")
    operator.post("sites", {"name": "FRA1"})
    etag = operator.get("sites")["ETag"]
    again = operator.get("sites", **{"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")


def test_only_the_fields_asked_for_are_given(caller, node):
    row = caller("viewer").get("nodes?fields=uid,name").json()["results"][0]
    assert row == {"uid": node.uid, "name": "a01"}


@pytest.mark.parametrize(
    "query",
    [
        "fields=nope",
        "ordering=nope",
        "limit=0",
        "limit=abc",
        "cursor=abc",
        "site=abc",
        "rack=000000000000",
        "liveness=dead",
        "schedulable=perhaps",
        "simulated=1e99",
        "colour=red",
        "search=%00",
        "search=" + "x" * 300,
    ],
)
def test_a_wrong_parameter_is_named(caller, node, query):
    response = caller("viewer").get(f"nodes?{query}")
    assert response.status_code == 422
    assert list(errors(response)) == [f"/{query.split('=')[0]}"]


def test_a_forged_cursor_is_named(caller, node):
    response = caller("viewer").get("accelerators?cursor=cD1hYmM=")
    assert (response.status_code, errors(response)) == (422, {"/cursor": "bad_parameter"})


def test_a_cursor_beyond_every_number_is_harmless(caller, node):
    position = "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk="
    assert caller("viewer").get(f"accelerators?cursor={position}").status_code == 200


def test_a_list_continues_by_cursor(caller, now):
    operator = caller("operator")
    for number in range(5):
        operator.post("sites", {"name": f"S{number}"})
    page = operator.get("sites?limit=2&ordering=-name").json()
    assert [row["name"] for row in page["results"]] == ["S4", "S3"]
    following = operator.client.get(page["next"], headers=operator.headers).json()
    assert [row["name"] for row in following["results"]] == ["S2", "S1"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("search=a0", 1),
        ("search=b", 0),
        ("admission=new", 1),
        ("admission=accepted", 0),
        ("schedulable=true", 1),
        ("simulated=true", 0),
    ],
)
def test_a_list_is_narrowed(caller, node, query, expected):
    assert len(caller("viewer").get(f"nodes?{query}").json()["results"]) == expected


def test_missing_accelerators_are_found(caller, node, now):
    node.accelerators.filter(uuid="GPU-A").update(missing_since=now)
    viewer = caller("viewer")
    assert [row["uuid"] for row in viewer.get("accelerators?missing=true").json()["results"]] == ["GPU-A"]
    assert [row["uuid"] for row in viewer.get("accelerators?missing=false").json()["results"]] == ["GPU-B"]


def test_a_node_says_its_state_its_gpus_and_why_it_is_watch_only(caller, node):
    row = caller("viewer").get(f"nodes/{node.uid}").json()
    assert (row["state"], row["accelerator_count"]) == ("new", 2)
    assert row["watch_only"]["code"] == "watch_only_not_accepted"
    assert "Accept" in row["watch_only"]["text"]


def test_a_node_is_accepted_drained_and_resumed(caller, node):
    operator = caller("operator")
    path = f"nodes/{node.uid}"
    assert operator.post(f"{path}/accept").json()["admission"] == "accepted"
    assert operator.post(f"{path}/drain", {"reason": "fan"}).json()["unschedulable_reason"] == "fan"
    assert operator.post(f"{path}/resume").json()["schedulable"] is True
    assert errors(operator.post(f"{path}/drain", {})) == {"/reason": "required"}


@pytest.mark.parametrize("verb", ["accept", "revoke", "drain", "resume"])
def test_a_user_decides_nothing_about_nodes(caller, node, verb):
    assert caller("owner").post(f"nodes/{node.uid}/{verb}", {"reason": "x"}).status_code in {403, 422}
    assert Node.objects.get().admission == "new"


def test_a_node_token_is_shown_once(caller):
    operator = caller("operator")
    made = operator.post("node-tokens", {"name": "a01"})
    assert made.status_code == 201
    assert made.json()["secret"].startswith("dcp_node_")
    listed = operator.get("node-tokens").json()["results"][0]
    assert "secret" not in listed
    assert operator.post(f"node-tokens/{listed['uid']}/revoke").json()["revoked_at"]


def test_node_tokens_do_not_exist_for_others(caller):
    caller("operator").post("node-tokens", {"name": "a01"})
    assert caller("owner").get("node-tokens").json()["results"] == []


def test_a_used_record_is_not_deleted_and_says_by_what(caller):
    operator = caller("operator")
    site = operator.post("sites", {"name": "FRA1"}).json()["uid"]
    operator.post("rooms", {"site": site, "name": "Hall"})
    response = operator.delete(f"sites/{site}")
    assert (response.status_code, response.json()["code"]) == (409, "in_use")
    assert "1 room" in response.json()["title"]
