"""Fixtures of every Django test: people, teams, and a database whose audit trail tests may clear."""

import pytest
from django.db import connection

from dcportal.audit import triggers

pytest_plugins = ["tests.fixtures.people"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """TransactionTestCase clears tables by DELETE, which the audit trigger refuses; tests of the
    trigger itself install it again."""
    with django_db_blocker.unblock():
        triggers.remove(connection)


@pytest.fixture(autouse=True)
def default_queue(request: pytest.FixtureRequest) -> None:
    """The row that a migration makes, for tests that come after a transactional one: that one empties
    every table of this process's database."""
    wants_database = {"db", "transactional_db"} & set(request.fixturenames)
    if not wants_database and request.node.get_closest_marker("django_db") is None:
        return
    request.getfixturevalue("db")
    from dcportal.common.changes import create
    from dcportal.common.clock import utcnow
    from jobs.models import Queue

    if not Queue.objects.filter(is_default=True).exists():
        create(Queue(name="default", is_default=True), utcnow())
