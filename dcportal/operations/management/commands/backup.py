"""`manage.py backup FILE`: everything that cannot be made again, while the portal runs."""

import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from dcportal.common.clock import utcnow
from dcportal.operations import archive


class Command(BaseCommand):
    help = "Write database, telemetry and keys into one archive (readable by you only). Runs are left out."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the archive to write, such as dcportal.tar.gz")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        target = file.absolute()
        if not target.parent.is_dir():
            raise CommandError(f"{target.parent} is not a folder")
        if target.is_relative_to(settings.DATA_DIR):
            raise CommandError(f"write it outside {settings.DATA_DIR}, best on another disk")
        try:
            names = archive.write(target, Path(settings.DATA_DIR), utcnow())
        except OSError as error:
            raise CommandError(f"{target}: {error.strerror}") from error
        self.stdout.write(f"{target}: {len(names)} files, {target.stat().st_size / 1e6:.1f} MB")
        if connection.vendor == "postgresql":
            self.stdout.write(
                "The database is on PostgreSQL and not inside; also: pg_dump --file=dcportal.sql"
            )
