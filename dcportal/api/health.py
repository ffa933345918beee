"""Is the process alive, and may it get traffic? Open without a sign-in; says nothing secret."""

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from dcportal.common.clock import utcnow

logger = logging.getLogger(__name__)
Check = Callable[[datetime], str | None]
_checks: dict[str, Check] = {}


def register_check(name: str, check: Check) -> None:
    """Add a check of `/readyz`: None is well, a text says in English what is not."""
    _checks[name] = check


def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers; touches no database, so that its outage restarts nothing."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the database answers and is migrated and all registered checks are well, else 503."""
    now = utcnow()
    checks: dict[str, Check] = {"database": _database, "migrations": _migrations, **_checks}
    found = {name: _asked(name, check, now) for name, check in checks.items()}
    is_ready = all(answer is None for answer in found.values())
    body = {
        "status": "ready" if is_ready else "not ready",
        "checks": {name: answer or "ok" for name, answer in found.items()},
    }
    return JsonResponse(body, status=200 if is_ready else 503)


def _asked(name: str, check: Check, now: datetime) -> str | None:
    try:
        return check(now)
    except Error as error:
        logger.warning("readiness check %s: %s", name, error)
        return "the database does not answer"


def _database(now: datetime) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return None


_migrated = False


def _migrations(now: datetime) -> str | None:
    """Asked until it is well once: migrations do not come undone under a running process."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return None if _migrated else "migrations are waiting: run manage.py migrate"
