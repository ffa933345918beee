"""The database: reachable, migrated, as durable as it should be."""

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from dcportal.operations.doctor.finding import Finding, fail, ok


def database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, ImproperlyConfigured) as error:
        return fail(
            "database", f"{connection.vendor}: {error}", "check DATABASE_URL and that the server runs"
        )
    return ok("database", f"{connection.vendor} answers")


def migrations() -> Finding:
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return fail("migrations", str(error), "check DATABASE_URL")
    if missing:
        text = f"{len(missing)} migration(s) not applied, the first is {missing[0][0]}"
        return fail("migrations", text, ".venv/bin/python manage.py migrate")
    return ok("migrations", "all applied")


def journal_mode() -> Finding:
    """SQLite in WAL mode: readers and the writer do not block each other."""
    if connection.vendor != "sqlite":
        return ok("journal", f"not a question on {connection.vendor}")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        (mode,) = cursor.fetchone()
    if mode == "wal":
        return ok("journal", "SQLite writes ahead (WAL)")
    return fail("journal", f"SQLite's journal mode is {mode}", "put DCP_DATA_DIR on a local disk, restart")
