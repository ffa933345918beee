"""The model's own rules come back as problems with pointers and codes."""

import pytest

from dcportal.accounts.models import Membership, Team
from dcportal.common.problems import Conflict, Invalid, sentence
from dcportal.common.usage import require_unused
from dcportal.common.validation import check_known, check_row
from dcportal.inventory.actions import add_record
from dcportal.inventory.models import NodeType, Room, Site
from tests.audit.world import ACTOR


def problems_of(row, values):
    with pytest.raises(Invalid) as error:
        check_row(row, values)
    return [(problem.pointer, problem.code) for problem in error.value.problems]


def test_a_row_that_satisfies_its_columns_passes(db):
    check_row(Team(name="research"), {"name": "research"})


def test_every_wrong_column_is_named_at_once(db):
    kind = NodeType(manufacturer="", model="x" * 101, height_units=0)
    assert sorted(problems_of(kind, {})) == [
        ("/height_units", "too_small"),
        ("/manufacturer", "required"),
        ("/model", "too_long"),
    ]


def test_uniqueness_over_two_columns_points_at_a_field_or_the_whole(db, now):
    site = add_record(ACTOR, Site, {"name": "FRA1"}, now)
    add_record(ACTOR, Room, {"site": site, "name": "Hall"}, now)
    ((pointer, code),) = problems_of(Room(site=site, name="Hall"), {})
    assert code == "not_unique"
    assert pointer in {"", "/name"}


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_what_no_column_can_keep_is_named_before_the_database_sees_it(db, text):
    assert problems_of(Team(name=text), {"name": text}) == [("/name", "unstorable_text")]


def test_keys_that_are_no_fields_are_named():
    with pytest.raises(Invalid) as error:
        check_known({"name": 1, "uid": 2}, frozenset({"name"}))
    assert [problem.pointer for problem in error.value.problems] == ["/uid"]


def test_every_problem_has_a_sentence(db):
    with pytest.raises(Invalid) as error:
        check_row(NodeType(manufacturer="", model="x" * 101, height_units=0), {})
    for problem in error.value.problems:
        words = sentence(problem)
        assert words
        assert "{" not in words
        assert "Unknown reason" not in words


def test_a_row_in_use_says_by_what(db, person, team_named):
    person("owner")
    require_unused(team_named("research"))  # memberships go with their team
    assert Membership.objects.exists()


def test_a_row_in_use_by_protected_rows_is_refused(db, now):
    site = add_record(ACTOR, Site, {"name": "FRA1"}, now)
    for name in ("A", "B"):
        add_record(ACTOR, Room, {"site": site, "name": name}, now)
    with pytest.raises(Conflict) as error:
        require_unused(site)
    assert error.value.params == {"users": "2 rooms"}
