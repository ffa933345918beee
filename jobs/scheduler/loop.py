"""The scheduler: one level-triggered loop over rows. Each tick looks at everything and repairs what differs.

It is the one writer of job state after `queued`. Nothing in it is needed by running jobs: kill it at any
moment, start it again, and it finds them.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import DatabaseError, close_old_connections

from dcportal.common.clock import utcnow
from jobs.engines import registry
from jobs.engines.base import EngineError, EngineReport, NoRoom
from jobs.models import Attempt
from jobs.scheduler import deciding, launching, polling, settling, wishes
from jobs.scheduler.chores import Chores
from jobs.scheduler.follower import Follower
from jobs.scheduler.lease import Fenced, Lease
from jobs.scheduler.wakeup import Alarm
from jobs.states import ATTEMPT_LIVE, AttemptState

logger = logging.getLogger(__name__)
RENEW_EVERY = timedelta(seconds=3)
SLOW_FOLLOW_FROM = 20


class Scheduler:
    """What one process does while it holds the lease. `starts` False: it ends jobs and begins none."""

    def __init__(self, lease: Lease, *, starts: bool = True) -> None:
        self.lease = lease
        self.starts = starts
        self.follower = Follower()
        self.poller = polling.Poller()
        self.stopper = wishes.Stopper(self.follower)
        self.chores = Chores()
        self._renewed_at: datetime | None = None
        self._followed_at: dict[int, float] = {}

    def tick(self, now: datetime) -> None:
        """Look at everything once. Raises Fenced when another scheduler has taken over."""
        if self._renewed_at is None or now - self._renewed_at >= RENEW_EVERY:
            self.lease.renew(now)
            self._renewed_at = now
        self.chores.run(self.lease, now)
        wishes.apply_to_waiting(self.lease, now)
        self.stopper.apply(self.lease, now)
        self._poll(now)
        if self.starts:
            deciding.schedule(self.lease, now)
        self._launch(now)
        self._follow(now)

    def _poll(self, now: datetime) -> None:
        live = _live(
            AttemptState.SUBMITTED, AttemptState.STARTING, AttemptState.RUNNING, AttemptState.STOPPING
        )
        by_tag = {attempt.tag: attempt for attempt in live}
        for name in sorted({attempt.engine for attempt in live}):
            of_engine = [attempt for attempt in live if attempt.engine == name]
            for report in self.poller.reports(self.lease, name, of_engine, now):
                self._guarded(self._take, by_tag[report.tag], report, now)

    def _take(self, attempt: Attempt, report: EngineReport, now: datetime) -> None:
        if report.state.is_final:
            polling.apply_final_figures(self.lease, attempt, report, now)
            settling.settle(self.lease, self.follower, attempt, report, now)
        else:
            polling.apply_report(self.lease, attempt, report, now)

    def _launch(self, now: datetime) -> None:
        for attempt in _live(AttemptState.PREPARED):
            self._guarded(self._launch_one, attempt, now)

    def _launch_one(self, attempt: Attempt, now: datetime) -> None:
        try:
            ended = launching.launch(self.lease, attempt, now)
        except NoRoom as error:
            polling.note_no_room(self.lease, attempt, error, now)
            return
        except (EngineError, registry.NoSuchEngine) as error:
            logger.warning("engine %s did not take %s: %s", attempt.engine, attempt.tag, error)
            polling.note_unreachable(self.lease, attempt.engine, now)
            return
        if ended is not None:
            settling.settle(self.lease, self.follower, attempt, ended, now)

    def _follow(self, now: datetime) -> None:
        live = _live(AttemptState.STARTING, AttemptState.RUNNING, AttemptState.STOPPING)
        every = max(0.9, len(live) / SLOW_FOLLOW_FROM)
        for attempt in live:
            at = time.monotonic()
            if at - self._followed_at.get(attempt.pk, -1e9) >= every:
                self._followed_at[attempt.pk] = at
                self._guarded(self.follower.follow, self.lease, attempt, now)

    def _guarded(self, step: Callable[..., object], *arguments: object) -> None:
        """One attempt that makes trouble must not keep the others waiting."""
        try:
            step(*arguments)
        except (Fenced, DatabaseError):
            raise
        except Exception:
            logger.exception("%s failed for %s", step.__name__, arguments)


def _live(*states: str) -> list[Attempt]:
    assert set(states) <= ATTEMPT_LIVE
    rows = Attempt.objects.filter(state__in=states).order_by("pk")
    return list(rows.select_related("job", "job__team", "job__owner", "job__dataset", "job__environment"))


def run(
    lease: Lease,
    stop: threading.Event,
    clock: Callable[[], datetime] = utcnow,
    ticks: int | None = None,
    starts: bool = True,
) -> None:
    """Tick until `stop` is set (or so many times). Waits for a database that cannot write; raises Fenced."""
    scheduler, alarm = Scheduler(lease, starts=starts), Alarm(stop)
    try:
        while not stop.is_set() and (ticks is None or ticks > 0):
            try:
                scheduler.tick(clock())
            except DatabaseError:
                logger.exception("the database refused; nothing is lost, trying again")
                close_old_connections()
            ticks = ticks - 1 if ticks is not None else None
            if ticks != 0:
                alarm.sleep()
    finally:
        alarm.close()
