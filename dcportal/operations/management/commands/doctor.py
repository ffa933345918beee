"""`manage.py doctor`: one line for each thing the portal depends on, with the command that mends it."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from dcportal.operations.doctor import machine, storage, telemetry, training
from dcportal.operations.doctor.finding import Finding, fail

CHECKS: tuple[Callable[[], Finding], ...] = (
    machine.python,
    machine.git,
    machine.disk,
    machine.data_folder,
    machine.file_system,
    machine.port,
    storage.database,
    storage.migrations,
    storage.journal_mode,
    training.trainer,
    training.containers,
    telemetry.nvml,
    telemetry.cpu_power,
    telemetry.agent,
)


class Command(BaseCommand):
    help = "Look at everything the portal depends on. Exit code 1 when something fails."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON array instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = [examine(check) for check in CHECKS]
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=2))
        else:
            self.print_lines(findings)
        if any(finding.level == "fail" for finding in findings):
            sys.exit(1)

    def print_lines(self, findings: list[Finding]) -> None:
        style = {"ok": self.style.SUCCESS, "warn": self.style.WARNING, "fail": self.style.ERROR}
        for finding in findings:
            self.stdout.write(
                f"{style[finding.level](f'{finding.level:4}')} {finding.check:13} {finding.text}"
            )
            if finding.mend:
                self.stdout.write(f"{'':19}mend: {finding.mend}")


def examine(check: Callable[[], Finding]) -> Finding:
    """A database that does not answer must not hide the other findings."""
    try:
        return check()
    except DatabaseError as error:
        return fail(check.__name__.replace("_", " "), f"database: {error}", "see the line 'database' above")
