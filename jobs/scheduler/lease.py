"""Who may schedule: one process at a time, and a stale one's writes never land.

On SQLite a file lock keeps the second scheduler waiting; on PostgreSQL the lease row is taken over once its
counter stood still for `TAKEOVER_SECONDS` by the waiter's own monotonic clock. Either way a new holder
raises the epoch, and each transaction of the scheduler begins by checking it.
"""

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from jobs.models import SchedulerLease

NAME = "scheduler"
TAKEOVER_SECONDS = 15.0


class Fenced(RuntimeError):
    """Another scheduler has taken over; this one must write nothing more and end."""


class Held(RuntimeError):
    """Another scheduler is at work."""


@dataclass
class Lease:
    """The right to schedule, as long as nobody raised the epoch."""

    epoch: int
    holder: str
    lock: int | None = None

    @contextlib.contextmanager
    def transaction(self, now: datetime) -> Iterator[None]:
        """A transaction that only commits while this lease is the newest. Raises Fenced."""
        with transaction.atomic():
            self.renew(now)
            yield

    def renew(self, now: datetime) -> None:
        """Show that the holder lives. Raises Fenced."""
        rows = SchedulerLease.objects.filter(name=NAME, epoch=self.epoch)
        if not rows.update(counter=F("counter") + 1, renewed_at=now):
            raise Fenced(f"epoch {self.epoch} is over")

    def give_up(self) -> None:
        """Let the next one in at once."""
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None


def acquire(now: datetime, lock_file: Path | None = None) -> Lease:
    """Become the scheduler at once. Raises Held."""
    lock = _file_lock(lock_file or Path(settings.DATA_DIR) / "scheduler.lock")
    if lock is None and connection.vendor == "sqlite":
        raise Held(str(lock_file))
    with transaction.atomic():
        SchedulerLease.objects.get_or_create(name=NAME)
        holder = f"{socket.gethostname()}:{os.getpid()}"
        SchedulerLease.objects.filter(name=NAME).update(
            epoch=F("epoch") + 1, counter=F("counter") + 1, holder=holder, renewed_at=now
        )
        epoch = SchedulerLease.objects.values_list("epoch", flat=True).get(name=NAME)
    return Lease(epoch, holder, lock)


class Standby:
    """Watches another holder's counter by the own monotonic clock (clocks of machines differ)."""

    def __init__(self) -> None:
        self._counter: int | None = None
        self._since = 0.0

    def may_take_over(self, monotonic: float | None = None) -> bool:
        """True when there is no holder, or its counter stood still for long enough."""
        at = time.monotonic() if monotonic is None else monotonic
        row = SchedulerLease.objects.filter(name=NAME).first()
        if row is None or not row.holder:
            return True
        if row.counter != self._counter:
            self._counter, self._since = row.counter, at
            return False
        return at - self._since >= TAKEOVER_SECONDS


def _file_lock(path: Path) -> int | None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
