"""Secrets that stand for people: shown once, kept as a digest, never stronger than their maker."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from dcportal.accounts import actions
from dcportal.accounts.identify import token_actor, usable_token
from dcportal.accounts.models import ApiToken, SignInLink, User
from dcportal.common.problems import Conflict, Forbidden, Invalid, NotFound
from dcportal.common.tokens import digest_of

READ = {"name": "ci", "role": "user", "scopes": ["read"]}


def test_a_token_works_and_its_secret_is_not_stored(actor_named, person, now):
    token, secret = actions.create_token(actor_named("owner"), person("owner"), READ, now)
    assert usable_token(digest_of(secret), now) == token
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_apitoken")
        assert secret not in str(cursor.fetchall())


def test_a_token_ends_when_revoked_or_expired(actor_named, person, now):
    actor = actor_named("owner")
    values = READ | {"expires_at": now + timedelta(days=1)}
    token, secret = actions.create_token(actor, person("owner"), values, now)
    assert usable_token(digest_of(secret), now + timedelta(days=1)) is None
    actions.revoke_token(actor, token, now)
    assert usable_token(digest_of(secret), now) is None


def test_a_token_ends_with_its_person(actor_named, person, now):
    _token, secret = actions.create_token(actor_named("owner"), person("owner"), READ, now)
    actions.deactivate_user(actor_named("admin"), person("owner"), now)
    assert usable_token(digest_of(secret), now) is None


@pytest.mark.parametrize(
    ("values", "pointer", "code"),
    [
        (READ | {"role": "admin"}, "/role", "stronger_than_yours"),
        (READ | {"scopes": []}, "/scopes", "required"),
        (READ | {"scopes": ["fly"]}, "/scopes", "unknown_choice"),
        (READ | {"scopes": "read"}, "/scopes", "required"),
        (READ | {"name": ""}, "/name", "required"),
        (READ | {"digest": "0" * 64}, "/digest", "unknown_field"),
    ],
)
def test_a_wrong_token_request_names_the_field(actor_named, person, now, values, pointer, code):
    with pytest.raises(Invalid) as error:
        actions.create_token(actor_named("owner"), person("owner"), values, now)
    assert [(p.pointer, p.code) for p in error.value.problems] == [(pointer, code)]


def test_an_expiry_in_the_past_is_refused(actor_named, person, now):
    with pytest.raises(Invalid) as error:
        actions.create_token(actor_named("owner"), person("owner"), READ | {"expires_at": now}, now)
    assert error.value.problems[0].code == "in_the_past"


def test_nobody_makes_a_token_for_another(actor_named, person, now):
    with pytest.raises(Forbidden):
        actions.create_token(actor_named("teammate"), person("owner"), READ, now)


def test_a_read_token_makes_no_token(actor_named, person, now):
    token, _secret = actions.create_token(actor_named("owner"), person("owner"), READ, now)
    with pytest.raises(Forbidden):
        actions.create_token(token_actor(token), person("owner"), READ, now)


def test_a_link_opens_once(actor_named, person, now):
    secret = actions.issue_sign_in_link(person("owner"), actor_named("admin"), now)
    assert actions.redeem_sign_in_link(secret, now) == person("owner")
    with pytest.raises(NotFound):
        actions.redeem_sign_in_link(secret, now)


def test_a_link_ends_after_a_day(actor_named, person, now):
    secret = actions.issue_sign_in_link(person("owner"), actor_named("admin"), now)
    with pytest.raises(NotFound):
        actions.redeem_sign_in_link(secret, now + timedelta(hours=24))


def test_a_newer_link_ends_the_older(actor_named, person, now):
    older = actions.issue_sign_in_link(person("owner"), actor_named("admin"), now)
    actions.issue_sign_in_link(person("owner"), actor_named("admin"), now)
    with pytest.raises(NotFound):
        actions.redeem_sign_in_link(older, now)


def test_no_link_for_a_deactivated_person(actor_named, person, now):
    actions.deactivate_user(actor_named("admin"), person("owner"), now)
    with pytest.raises(Conflict):
        actions.issue_sign_in_link(User.objects.get(username="owner"), actor_named("admin"), now)


def test_only_administrators_issue_links(actor_named, person, now):
    with pytest.raises(Forbidden):
        actions.issue_sign_in_link(person("admin"), actor_named("operator"), now)


def test_create_admin_prints_a_link_that_opens(db, capsys, client):
    call_command("create_admin", "boss", "--link")
    url = capsys.readouterr().out.strip()
    path = "/" + url.split("/", 3)[3]
    response = client.post(path)
    assert response.status_code == 302
    assert client.session["_auth_user_id"] == str(User.objects.get(username="boss").pk)
    assert User.objects.get(username="boss").memberships.get().role == "admin"


def test_create_admin_again_gives_a_fresh_link(db, capsys):
    call_command("create_admin", "boss")
    call_command("create_admin", "boss")
    assert User.objects.count() == 1
    assert SignInLink.objects.count() == 2


def test_create_token_prints_a_working_secret(person, capsys, now):
    person("owner")
    call_command("create_token", "owner", "--role", "viewer", "--scopes", "read", "--expires", "1")
    secret = capsys.readouterr().out.strip()
    token = ApiToken.objects.get()
    assert token.digest == digest_of(secret)
    assert (token.role, token.scopes) == ("viewer", ["read"])
