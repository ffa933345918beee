"""What must be true before the portal's programs start; every step may be repeated at any time."""

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from dcportal.operations.catalogues import compile_catalogues
from dcportal.operations.static_storage import LEFT_OUT
from dcportal.setup import places

Say = Callable[[str], None]


class CannotPrepare(Exception):
    """A step failed; the message says what to do."""


def prepare(say: Say) -> None:
    """Front-end files, catalogues, static files and database, in the order in which they need each other."""
    for name, step in (
        ("front-end files", fetch_front_end),
        ("translations", compile_translations),
        ("static files", collect_static),
        ("database", migrate),
    ):
        started = time.monotonic()
        if step():
            say(f"==> {name}: done in {time.monotonic() - started:.1f} s")


def fetch_front_end() -> bool:
    """Fill static/vendor by the lock; False when it was up to date. Raises CannotPrepare."""
    command = [sys.executable, "-m", "dcportal.common.vendor"]
    done = subprocess.run(command, cwd=places.REPOSITORY, capture_output=True, text=True)
    if done.returncode:
        raise CannotPrepare(f"front-end files: {(done.stderr or done.stdout).strip()}")
    return "up to date" not in done.stdout


def compile_translations() -> bool:
    return bool(compile_catalogues(Path(settings.LOCALE_PATHS[0])))


def collect_static() -> bool:
    """Copy, hash and compress static files when any of them changed since the last time."""
    root = Path(settings.STATIC_ROOT)
    stamp = root / ".source"
    current = static_fingerprint()
    if stamp.exists() and stamp.read_text() == current:
        return False
    call_command(
        "collectstatic", interactive=False, clear=root.exists(), verbosity=0, ignore_patterns=LEFT_OUT
    )
    stamp.write_text(current)
    return True


def static_fingerprint() -> str:
    """Names, sizes and times of our files, and the pins that bring the others."""
    digest = hashlib.sha256(places.PORTAL_REQUIREMENTS.read_bytes())
    for folder in settings.STATICFILES_DIRS:
        for file in sorted(Path(folder).rglob("*")):
            facts = file.stat()
            digest.update(f"{file}|{facts.st_size}|{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def migrate() -> bool:
    """Apply what is missing. Raises CannotPrepare when the database is from a newer release."""
    if not missing_migrations():
        return False
    call_command("migrate", interactive=False, verbosity=0)
    return True


def refuse_unmigrated() -> None:
    """Without --prepare nothing is changed, so an old or empty database is refused."""
    if missing := missing_migrations():
        raise CannotPrepare(f"{missing} migration(s) are missing: manage.py portal --prepare, or make run")


def missing_migrations() -> int:
    executor = MigrationExecutor(connection)
    refuse_newer_database(executor)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def refuse_newer_database(executor: MigrationExecutor) -> None:
    ours = {app for app, _ in executor.loader.disk_migrations}
    unknown = [
        f"{app}.{name}"
        for app, name in executor.loader.applied_migrations
        if app in ours
        and (app, name) not in executor.loader.disk_migrations
        and (app, name) not in replaced(executor)
    ]
    if unknown:
        raise CannotPrepare(
            f"the database is from a newer dcportal (it has {unknown[0]}): update this checkout, "
            "or restore the backup made before the update with manage.py restore"
        )


def replaced(executor: MigrationExecutor) -> set[tuple[str, str]]:
    return {key for migration in executor.loader.disk_migrations.values() for key in migration.replaces}
