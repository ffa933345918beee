"""`manage.py restore FILE`: bring a backup back; what was there is kept aside."""

import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from dcportal.common.clock import utcnow
from dcportal.operations import archive, guard


class Command(BaseCommand):
    help = "Replace this data folder's database, telemetry and keys by those of a backup."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            with guard.hold_instance_lock():
                connections.close_all()
                aside = archive.restore(file.absolute(), Path(settings.DATA_DIR), utcnow())
        except guard.Refused as error:
            raise CommandError(f"stop the portal first: {error}") from error
        except archive.BadArchive as error:
            raise CommandError(str(error)) from error
        call_command("migrate", interactive=False, verbosity=0)
        self.stdout.write("restored; start with: make run")
        if aside:
            self.stdout.write(f"what was there before is in {aside}; remove it when all is well")
