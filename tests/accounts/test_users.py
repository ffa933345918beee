"""People are created, changed and locked out by administrators, and change their own profile."""

import pytest

from dcportal.accounts import actions
from dcportal.accounts.models import User
from dcportal.audit.models import AuditEntry
from dcportal.common.problems import Conflict, Forbidden, Invalid

GOOD = "a-long-enough-phrase-7"


def pointers(error):
    return {problem.pointer: problem.code for problem in error.value.problems}


def test_an_administrator_creates_a_person_without_password(actor_named, now):
    user = actions.create_user(actor_named("admin"), {"username": "a.keller", "role": "user"}, now)
    assert not user.has_usable_password()
    assert AuditEntry.objects.get(verb="user.create").after["username"] == "a.keller"


@pytest.mark.parametrize("who", ["operator", "owner", "viewer"])
def test_others_cannot_create_people(actor_named, now, who):
    with pytest.raises(Forbidden):
        actions.create_user(actor_named(who), {"username": "x"}, now)
    assert not User.objects.filter(username="x").exists()


@pytest.mark.parametrize(
    ("values", "pointer", "code"),
    [
        ({"username": ""}, "/username", "not_a_username"),
        ({"username": "a b"}, "/username", "not_a_username"),
        ({"username": "ADMIN"}, "/username", "not_unique"),
        ({"username": "x", "role": "king"}, "/role", "unknown_choice"),
        ({"username": "x", "timezone": "Mars/Base"}, "/timezone", "unknown_choice"),
        ({"username": "x", "language": "tlh"}, "/language", "unknown_choice"),
        ({"username": "x", "email": "no"}, "/email", "invalid_value"),
        ({"username": "x", "full_name": "a\x00b"}, "/full_name", "unstorable_text"),
        ({"username": "x", "full_name": "\ud800"}, "/full_name", "unstorable_text"),
        ({"username": "x", "unix_account": "Root!"}, "/unix_account", "not_a_unix_account"),
        ({"username": "x", "is_active": False}, "/is_active", "unknown_field"),
    ],
)
def test_a_wrong_field_is_named(actor_named, now, values, pointer, code):
    with pytest.raises(Invalid) as error:
        actions.create_user(actor_named("admin"), values, now)
    assert pointers(error) == {pointer: code}


def test_the_last_administrator_cannot_be_demoted_or_locked_out(actor_named, person, now):
    admin = actor_named("admin")
    with pytest.raises(Conflict, match="last_admin"):
        actions.edit_user(admin, person("admin"), {"role": "user"}, now)
    with pytest.raises(Conflict, match="last_admin"):
        actions.deactivate_user(admin, person("admin"), now)


def test_an_edit_of_an_older_revision_is_refused(actor_named, person, now):
    user = person("owner")
    actions.edit_user(actor_named("admin"), user, {"full_name": "One"}, now, expected_revision=1)
    with pytest.raises(Conflict, match="changed_meanwhile"):
        actions.edit_user(actor_named("admin"), user, {"full_name": "Two"}, now, expected_revision=1)


def test_nobody_makes_themselves_administrator_by_their_profile(actor_named, person, now):
    with pytest.raises(Invalid) as error:
        actions.edit_profile(actor_named("owner"), person("owner"), {"role": "admin"}, now)
    assert pointers(error) == {"/role": "unknown_field"}


def test_nobody_edits_anothers_profile(actor_named, person, now):
    with pytest.raises(Forbidden):
        actions.edit_profile(actor_named("teammate"), person("owner"), {"theme": "dark"}, now)


def test_a_new_password_needs_the_present_one(actor_named, person, now):
    with pytest.raises(Invalid) as error:
        actions.set_password(actor_named("owner"), person("owner"), GOOD, now, current="wrong")
    assert pointers(error) == {"/current": "wrong_password"}


@pytest.mark.parametrize("password", ["short", "123456789012345", "x" * 5000])
def test_a_weak_or_endless_password_is_refused(actor_named, person, now, password):
    with pytest.raises(Invalid) as error:
        actions.set_password(actor_named("admin"), person("owner"), password, now)
    assert "/password" in pointers(error)


def test_the_trail_never_holds_the_password(actor_named, person, now):
    actions.set_password(actor_named("admin"), person("owner"), GOOD, now)
    entry = AuditEntry.objects.get(verb="user.set_password")
    assert (entry.before, entry.after) == ({}, {"password": "changed"})


@pytest.mark.parametrize("ending", ["deactivate_user", "end_sessions", "set_password"])
def test_sessions_end_when_a_person_is_locked_out_or_gets_a_new_password(
    client_of, actor_named, person, now, ending
):
    client = client_of("owner")
    assert client.get("/profile/").status_code == 200
    more = (GOOD,) if ending == "set_password" else ()
    getattr(actions, ending)(actor_named("admin"), person("owner"), *more, now)
    assert client.get("/profile/").status_code == 302
