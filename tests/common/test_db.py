"""How long a write may wait for the database's one writer."""

import pytest
from django.db import connection

from dcportal.accounts.models import ApiToken
from dcportal.common.db import impatient

pytestmark = pytest.mark.django_db


def patience_milliseconds() -> int:
    return int(connection.connection.execute("PRAGMA busy_timeout").fetchone()[0])


def test_an_impatient_write_waits_shortly_and_the_next_one_as_usual() -> None:
    connection.ensure_connection()
    before = patience_milliseconds()
    with impatient():
        assert patience_milliseconds() == 50 < before
    assert patience_milliseconds() == before


def test_patience_comes_back_after_a_failure() -> None:
    connection.ensure_connection()
    before = patience_milliseconds()
    with pytest.raises(ValueError, match="broken"), impatient():
        raise ValueError("broken")
    assert patience_milliseconds() == before


def test_a_read_with_a_token_does_not_wait_for_a_writer(client, person, actor_named, now) -> None:
    from dcportal.accounts.actions import create_token

    values = {"name": "t", "role": "user", "scopes": ["read"]}
    token, secret = create_token(actor_named("owner"), person("owner"), values, now)
    waits = []

    def watch(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and ApiToken._meta.db_table in sql:
            waits.append(patience_milliseconds())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        assert client.get("/api/v1/me", headers={"authorization": f"Bearer {secret}"}).status_code == 200
    token.refresh_from_db()
    assert (waits, token.last_used_at is not None) == ([50], True)
