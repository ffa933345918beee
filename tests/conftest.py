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
