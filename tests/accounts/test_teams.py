"""Teams and membership: who may change them, and that a role granted is never above one's own."""

import pytest

from dcportal.accounts import actions
from dcportal.accounts.models import Membership
from dcportal.common.problems import Conflict, Forbidden, Invalid


@pytest.fixture
def research(person, team_named):
    person("owner")
    return team_named("research")


def test_an_operator_creates_a_team(actor_named, now):
    assert actions.create_team(actor_named("operator"), {"name": "vision"}, now).name == "vision"


def test_two_teams_cannot_share_a_name(actor_named, research, now):
    with pytest.raises(Invalid) as error:
        actions.create_team(actor_named("operator"), {"name": "research"}, now)
    assert [(p.pointer, p.code) for p in error.value.problems] == [("/name", "not_unique")]


@pytest.mark.parametrize("who", ["owner", "viewer", "stranger"])
def test_a_plain_member_or_stranger_adds_nobody(actor_named, person, research, now, who):
    with pytest.raises(Forbidden):
        actions.add_member(actor_named(who), research, person("stranger"), "user", now)


def test_the_teams_operator_adds_a_member(actor_named, person, research, now):
    actions.add_member(actor_named("lead"), research, person("stranger"), "user", now)
    assert Membership.objects.filter(user=person("stranger"), team=research).exists()


def test_the_teams_operator_grants_no_more_than_the_own_role(actor_named, person, research, now):
    with pytest.raises(Forbidden):
        actions.add_member(actor_named("lead"), research, person("stranger"), "admin", now)


def test_nobody_is_in_a_team_twice(actor_named, person, research, now):
    with pytest.raises(Invalid) as error:
        actions.add_member(actor_named("operator"), research, person("owner"), "user", now)
    assert error.value.problems[0].code == "already_member"


def test_anybody_may_leave_a_team(actor_named, person, research, now):
    actor = actor_named("owner")
    actions.remove_member(actor, Membership.objects.get(user=person("owner")), now)
    assert not Membership.objects.filter(user=person("owner")).exists()


def test_a_member_cannot_remove_another(actor_named, person, research, now):
    person("teammate")
    with pytest.raises(Forbidden):
        actions.remove_member(actor_named("owner"), Membership.objects.get(user=person("teammate")), now)


def test_an_unknown_team_role_is_named(actor_named, person, research, now):
    with pytest.raises(Invalid) as error:
        actions.add_member(actor_named("operator"), research, person("stranger"), "king", now)
    assert error.value.problems[0].pointer == "/role"


def test_only_an_administrator_deletes_a_team(actor_named, research, now):
    with pytest.raises(Forbidden):
        actions.delete_team(actor_named("operator"), research, now)
    actions.delete_team(actor_named("admin"), research, now)


def test_a_team_that_owns_something_stays(actor_named, person, research, now):
    from dcportal.common.changes import create
    from jobs.models import Secret

    create(Secret(name="KEY", team=research, owner=person("owner"), ciphertext=b"x"), now)
    with pytest.raises(Conflict) as error:
        actions.delete_team(actor_named("admin"), research, now)
    assert "1 " in str(error.value.params["users"])
