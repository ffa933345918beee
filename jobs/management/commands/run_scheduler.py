"""`manage.py run_scheduler`: the one process that turns wishes into running jobs."""

import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from dcportal.common.clock import utcnow
from jobs import builtin
from jobs.scheduler import lease, loop
from jobs.scheduler.engines import register_engines

logger = logging.getLogger(__name__)
WAIT_SECONDS = 1.0


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # they load every page: 50 MB that this process never needs
    help = "Schedule jobs until stopped. Running jobs do not need it: stop it, start it, it finds them again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--ticks", type=int, default=None, help="stop after so many rounds")
        parser.add_argument("--starts-nothing", action="store_true", help="end jobs, begin none")
        parser.add_argument("--no-wait", action="store_true", help="end at once when another one schedules")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: stop.set())
        held = self._become_scheduler(stop, options["no_wait"])
        if held is None:
            return
        self.stdout.write(f"scheduling as {held.holder}, epoch {held.epoch}", ending="\n")
        builtin.ensure(utcnow())
        register_engines()
        try:
            loop.run(held, stop, ticks=options["ticks"], starts=not options["starts_nothing"])
        except lease.Fenced as error:
            logger.warning("another scheduler has taken over: %s", error)
        finally:
            held.give_up()

    def _become_scheduler(self, stop: threading.Event, no_wait: bool) -> lease.Lease | None:
        standby, told = lease.Standby(), False
        while not stop.is_set():
            try:
                if connection.vendor == "sqlite" or standby.may_take_over():
                    return lease.acquire(utcnow())
            except lease.Held:
                pass
            if no_wait:
                self.stderr.write("another scheduler is at work")
                return None
            if not told:
                self.stdout.write("another scheduler is at work; waiting for its end")
                told = True
            stop.wait(WAIT_SECONDS)
        return None
