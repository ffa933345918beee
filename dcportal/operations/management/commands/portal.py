"""`manage.py portal`: web with ingest, the scheduler and an agent for this host, under one supervisor.

Ctrl-C stops these three and leaves jobs running; `--stop-jobs` stops the jobs.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from dcportal import env
from dcportal.common.clock import utcnow
from dcportal.operations import announce, guard, people, prepare, programs, running_jobs
from dcportal.operations.supervision import Supervisor


class Command(BaseCommand):
    help = "Run the whole portal on this machine and restart what dies. Ctrl-C leaves jobs running."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--prepare", action="store_true", help="first fetch front-end files, compile, migrate (make run)"
        )
        parser.add_argument(
            "--stop-jobs", action="store_true", help="ask every running job to stop, wait for them, and end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        programs.runs_from_checkout()
        try:
            if options["stop_jobs"]:
                running_jobs.stop_all(self.say)
            else:
                self.serve(prepares=options["prepare"])
        except (guard.Refused, prepare.CannotPrepare, env.SettingError) as error:
            raise CommandError(str(error)) from error

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def serve(self, *, prepares: bool) -> None:
        started = time.monotonic()
        host, port = env.bind()
        with guard.hold_instance_lock() as lock:
            guard.refuse_taken_port(host, port)
            if prepares:
                prepare.prepare(self.say)
            else:
                prepare.refuse_unmigrated()
            guard.refuse_unprotected(host, has_user=people.has_user())
            address = announce.address_of(host, port)
            guard.write_holder(lock, address)
            connections.close_all()
            supervisor = Supervisor([programs.web(host, port), programs.scheduler()], self.say)
            supervisor.run(until=Opening(self.say, supervisor, address, port, started).look)
            self.farewell()

    def farewell(self) -> None:
        self.say("stopped: web, scheduler, agent")
        for line in running_jobs.farewell():
            self.say(line)


class Opening:
    """Waits until the portal answers; then starts what needs it and prints how to reach it."""

    def __init__(
        self, say: Callable[[str], None], supervisor: Supervisor, address: str, port: int, started: float
    ) -> None:
        self.say = say
        self.supervisor = supervisor
        self.address = address
        self.port = port
        self.started = started
        self.is_done = False

    def look(self) -> bool:
        """Called at each tick of the supervisor; never ends it."""
        if not self.is_done and announce.is_ready(self.address):
            self.is_done = True
            self.open()
        return False

    def open(self) -> None:
        token = people.ensure_agent_token(utcnow())
        link = people.sign_in_link(self.address)
        connections.close_all()
        for program in (
            programs.agent(self.address, token),
            programs.demo_hall(self.address),
            programs.trainer_installer(),
        ):
            self.supervisor.add(program)
        for line in announce.lines(self.address, self.port, link, self.started):
            self.say(line)
