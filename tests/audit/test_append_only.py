"""The trail refuses to be rewritten, whoever asks."""

import pytest
from django.db import DatabaseError, connection, transaction

from dcportal.audit import triggers
from dcportal.audit.actions import record
from dcportal.audit.models import AuditEntry


@pytest.fixture
def entry(db, person, actor_named, now):
    triggers.install(connection)
    return record(
        actor_named("admin"),
        "user.edit",
        person("owner"),
        before={"a": 1, "b": 2},
        after={"a": 1, "b": 3},
        now=now,
    )


def test_an_entry_keeps_only_what_differs(entry):
    assert (entry.before, entry.after) == ({"b": 2}, {"b": 3})


def test_the_database_refuses_to_update_an_entry(entry):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).update(verb="other")


def test_the_database_refuses_to_delete_an_entry(entry):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).delete()
