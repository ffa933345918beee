"""What people enter: refused where it cannot be, kept with before and after where it can."""

import pytest

from dcportal.accounts.identify import token_actor
from dcportal.accounts.models import ApiToken
from dcportal.audit.models import AuditEntry
from dcportal.common.problems import Conflict, Forbidden, Invalid
from dcportal.inventory.actions import add_record, delete_record, edit_record
from dcportal.inventory.models import Node, NodeType, Rack, Room, Row, Site


def codes(error):
    return {problem.pointer: problem.code for problem in error.value.problems}


@pytest.fixture
def operator(actor_named):
    return actor_named("operator")


@pytest.fixture
def rack(operator, now):
    site = add_record(operator, Site, {"name": "FRA1"}, now)
    room = add_record(operator, Room, {"site": site, "name": "Hall 1"}, now)
    row = add_record(operator, Row, {"room": room, "name": "A"}, now)
    values = {"row": row, "name": "A01", "height_units": 42, "power_limit_kilowatts": 20.0}
    return add_record(operator, Rack, values, now)


@pytest.fixture
def big(operator, now):
    values = {"manufacturer": "Dell", "model": "XE9680", "height_units": 6, "maximum_watts": 10200}
    return add_record(operator, NodeType, values, now)


def node_in(rack, big, name, position):
    return {"name": name, "rack": rack, "node_type": big, "position_units": position}


@pytest.mark.parametrize("who", ["owner", "lead", "viewer"])
def test_only_operators_enter_records(actor_named, now, who):
    with pytest.raises(Forbidden):
        add_record(actor_named(who), Site, {"name": "X"}, now)
    assert not Site.objects.exists()


def test_a_token_without_the_scope_is_refused(person, now):
    token = ApiToken(user=person("admin"), name="t", role="admin", scopes=["read", "jobs"])
    with pytest.raises(Forbidden, match="needs_scope"):
        add_record(token_actor(token), Site, {"name": "X"}, now)


def test_every_change_is_in_the_trail_with_before_and_after(operator, rack, now):
    edit_record(operator, rack, {"height_units": 48}, now)
    entry = AuditEntry.objects.get(verb="rack.edit")
    assert (entry.before["height_units"], entry.after["height_units"]) == (42, 48)


@pytest.mark.parametrize(
    ("model", "values", "expected"),
    [
        (Site, {"name": ""}, {"/name": "required"}),
        (Site, {"name": "x" * 65}, {"/name": "too_long"}),
        (Site, {"name": "x", "kind": "moon"}, {"/kind": "unknown_choice"}),
        (Site, {"name": "x", "timezone": "Mars/Base"}, {"/timezone": "unknown_choice"}),
        (Site, {"name": "a\x00"}, {"/name": "unstorable_text"}),
        (Site, {"name": "x", "is_simulated": True}, {"/is_simulated": "unknown_field"}),
        (NodeType, {"manufacturer": "a", "model": "b", "height_units": 0}, {"/height_units": "too_small"}),
        (NodeType, {"manufacturer": "a", "model": "b", "height_units": 101}, {"/height_units": "too_large"}),
        (
            NodeType,
            {"manufacturer": "a", "model": "b", "idle_watts": 900, "maximum_watts": 500},
            {"/maximum_watts": "too_small"},
        ),
        (Node, {"name": "n", "position_units": 3}, {"/rack": "position_needs_rack"}),
        (Node, {"name": "n", "admission": "accepted"}, {"/admission": "unknown_field"}),
        (Node, {"name": "n", "lifecycle": "melted"}, {"/lifecycle": "unknown_choice"}),
    ],
)
def test_a_wrong_field_is_named(operator, now, model, values, expected):
    with pytest.raises(Invalid) as error:
        add_record(operator, model, values, now)
    assert codes(error) == expected


def test_a_room_name_is_unique_within_its_site_only(operator, rack, now):
    site = rack.row.room.site
    with pytest.raises(Invalid) as error:
        add_record(operator, Room, {"site": site, "name": "Hall 1"}, now)
    assert list(codes(error).values()) == ["not_unique"]
    other = add_record(operator, Site, {"name": "MUC1"}, now)
    add_record(operator, Room, {"site": other, "name": "Hall 1"}, now)


def test_two_nodes_cannot_stand_in_one_unit(operator, rack, big, now):
    add_record(operator, Node, node_in(rack, big, "a", 1), now)
    with pytest.raises(Invalid) as error:
        add_record(operator, Node, node_in(rack, big, "b", 6), now)
    assert codes(error)["/position_units"] == "unit_taken"


def test_a_node_may_keep_its_own_place(operator, rack, big, now):
    node = add_record(operator, Node, node_in(rack, big, "a", 1), now)
    assert edit_record(operator, node, {"position_units": 3}, now).position_units == 3


def test_a_retired_node_frees_its_place(operator, rack, big, now):
    node = add_record(operator, Node, node_in(rack, big, "a", 1), now)
    edit_record(operator, node, {"lifecycle": "retired"}, now)
    add_record(operator, Node, node_in(rack, big, "b", 1), now)


def test_a_rack_takes_no_more_power_than_it_has(operator, rack, big, now):
    add_record(operator, Node, node_in(rack, big, "a", 1), now)
    with pytest.raises(Invalid) as error:
        add_record(operator, Node, node_in(rack, big, "b", 7), now)
    assert codes(error) == {"/rack": "rack_overloaded"}


def test_a_type_cannot_grow_into_its_neighbours(operator, rack, big, now):
    edit_record(operator, rack, {"power_limit_kilowatts": None}, now)
    add_record(operator, Node, node_in(rack, big, "a", 1), now)
    add_record(operator, Node, node_in(rack, big, "b", 7), now)
    with pytest.raises(Invalid) as error:
        edit_record(operator, big, {"height_units": 7}, now)
    assert codes(error) == {"/height_units": "nodes_would_not_fit"}


def test_a_rack_of_another_site_is_refused(operator, rack, now):
    other = add_record(operator, Site, {"name": "MUC1"}, now)
    with pytest.raises(Invalid) as error:
        add_record(operator, Node, {"name": "n", "rack": rack, "site": other}, now)
    assert codes(error) == {"/site": "rack_in_other_site"}


def test_a_delete_is_refused_while_used_and_says_by_what(operator, rack, big, now):
    add_record(operator, Node, node_in(rack, big, "a", 1), now)
    with pytest.raises(Conflict) as error:
        delete_record(operator, rack, now)
    assert error.value.params == {"users": "1 node"}


def test_an_unused_record_is_deleted_and_noted(operator, rack, now):
    delete_record(operator, rack, now)
    assert not Rack.objects.exists()
    assert AuditEntry.objects.get(verb="rack.delete").before["name"] == "A01"


def test_an_edit_of_an_older_revision_is_refused(operator, rack, now):
    edit_record(operator, rack, {"name": "A02"}, now, expected_revision=1)
    with pytest.raises(Conflict, match="changed_meanwhile"):
        edit_record(operator, rack, {"name": "A03"}, now, expected_revision=1)


def test_the_trail_names_what_a_reference_means(operator, rack, now):
    entry = AuditEntry.objects.get(verb="rack.create")
    assert entry.after["row"] == "FRA1 / Hall 1 / A"
