"""What the portal says of jobs when it stops, and how all of them are stopped on request."""

import time
from collections.abc import Callable, Iterator

from django.db import connections

from dcportal.common.actors import system_actor
from dcportal.common.clock import utcnow
from dcportal.common.problems import Conflict
from dcportal.operations import guard, programs
from dcportal.operations.supervision import Supervisor
from jobs import actions
from jobs.models import Job
from jobs.states import JOB_LIVE

STOP_COMMAND = ".venv/bin/python manage.py portal --stop-jobs"
NAMED = 10
POLL_SECONDS = 1.0


def active() -> list[Job]:
    """Jobs that hold processes or slots now, oldest first."""
    return list(Job.objects.filter(state__in=JOB_LIVE).order_by("id"))


def farewell() -> Iterator[str]:
    """Lines for the terminal after Ctrl-C: which jobs go on, and the command that stops them."""
    jobs = active()
    connections.close_all()
    if not jobs:
        return
    yield f"{len(jobs)} job(s) go on without the portal and are found again at its next start:"
    yield from (f"  {job.uid}  {job.name}" for job in jobs[:NAMED])
    if len(jobs) > NAMED:
        yield f"  ... and {len(jobs) - NAMED} more"
    yield f"to stop them: {STOP_COMMAND}"


def stop_all(say: Callable[[str], None]) -> None:
    """Cancel every active job and wait until each of them is gone; a scheduler is run where none is."""
    for job in active():
        ask_to_stop(job, say)
    try:
        with guard.hold_instance_lock():
            Supervisor([programs.scheduler("--starts-nothing")], say).run(until=none_left(say))
    except guard.Refused:
        wait(none_left(say))
    say("no job is running")


def ask_to_stop(job: Job, say: Callable[[str], None]) -> None:
    """Also a job that was asked before; one that ended meanwhile needs nothing."""
    try:
        actions.cancel(system_actor("portal"), job, utcnow())
    except Conflict:
        return
    say(f"asked to stop: {job.uid}  {job.name}")


def wait(is_over: Callable[[], bool]) -> None:
    """The portal is up, so its own scheduler does the work."""
    while not is_over():
        time.sleep(POLL_SECONDS)


def none_left(say: Callable[[str], None]) -> Callable[[], bool]:
    """Answers whether all are gone, and says so each time the number changes."""
    before = None

    def is_over() -> bool:
        nonlocal before
        left = len(active())
        connections.close_all()
        if left and left != before:
            say(f"waiting for {left} job(s) to be gone")
        before = left
        return not left

    return is_over
