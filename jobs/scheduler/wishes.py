"""From what people want to states: hold, release, cancel. A cancel is repeated until it is confirmed."""

import logging
import time
from datetime import datetime

from dcportal import env
from dcportal.common.reasons import reason
from jobs.actions import emit, move_job
from jobs.engines import registry
from jobs.engines.base import EngineError, EngineReport, State
from jobs.models import Attempt, Job
from jobs.scheduler import settling
from jobs.scheduler.crashpoints import reached
from jobs.scheduler.follower import Follower
from jobs.scheduler.launching import bar_start
from jobs.scheduler.lease import Lease
from jobs.states import ATTEMPT_LIVE, JOB_WAITING, AttemptState, Desired, JobState

logger = logging.getLogger(__name__)
ASK_AGAIN_SECONDS = 10.0


def grace_seconds() -> float:
    """DCP_CANCEL_GRACE_SECONDS: from SIGTERM to SIGKILL."""
    return float(env.whole_number("DCP_CANCEL_GRACE_SECONDS", 30))


def apply_to_waiting(lease: Lease, now: datetime) -> None:
    """Jobs that wait: held, released or cancelled."""
    moves = (
        (JobState.QUEUED, Desired.HOLD, JobState.HELD, "job_held"),
        (JobState.HELD, Desired.RUN, JobState.QUEUED, "job_released"),
    )
    for state, desired, to, code in moves:
        for job in Job.objects.filter(state=state, desired=desired).defer("request"):
            told = reason("held_by", by=job.desired_by) if to == JobState.HELD else None
            columns = {"queued_at": job.queued_at} if to == JobState.QUEUED else {}
            with lease.transaction(now):
                if move_job(job, to, now, reason=told, **columns):
                    emit(job, "state", code, now, by=job.desired_by)
    rows = Job.objects.filter(state__in=JOB_WAITING, desired=Desired.STOP).select_related("team", "owner")
    for job in rows.defer("request"):
        with lease.transaction(now):
            settling.end_unstarted(job, now)


class Stopper:
    """Asks engines to stop attempts and keeps asking until they have taken it up."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._asked: dict[str, float] = {}

    def apply(self, lease: Lease, now: datetime) -> None:
        """All attempts whose job is wanted stopped, or that must make room."""
        rows = Attempt.objects.filter(state__in=ATTEMPT_LIVE).select_related("job", "job__team", "job__owner")
        for attempt in rows:
            if attempt.job.desired == Desired.STOP or attempt.preempted_for:
                self._stop(lease, attempt, now)

    def _stop(self, lease: Lease, attempt: Attempt, now: datetime) -> None:
        if attempt.stop_requested_at is None:
            with lease.transaction(now):
                Attempt.objects.filter(pk=attempt.pk).update(stop_requested_at=now, updated_at=now)
                attempt.stop_requested_at = now
                if move_job(attempt.job, JobState.STOPPING, now):
                    emit(attempt.job, "state", "job_stopping", now, attempt=attempt.number)
            reached("stop_written")
        if attempt.state == AttemptState.PREPARED:
            self._stop_prepared(lease, attempt, now)
        elif attempt.stop is None and self._is_due(attempt.tag):
            self._ask(attempt)

    def _is_due(self, tag: str) -> bool:
        asked = self._asked.get(tag)
        return asked is None or time.monotonic() - asked >= ASK_AGAIN_SECONDS

    def _ask(self, attempt: Attempt) -> None:
        why = "preempted" if attempt.preempted_for else "cancelled"
        try:
            registry.get(attempt.engine).cancel(attempt.engine_id, grace_seconds(), why)
        except (EngineError, registry.NoSuchEngine) as error:
            logger.warning("cannot ask %s to stop %s yet: %s", attempt.engine, attempt.tag, error)
            return
        self._asked[attempt.tag] = time.monotonic()
        reached("after_cancel")

    def _stop_prepared(self, lease: Lease, attempt: Attempt, now: datetime) -> None:
        """Nobody knows yet whether the engine got it: bar its start, unless it has started already."""
        try:
            known = registry.get(attempt.engine).find(attempt.tag)
        except (EngineError, registry.NoSuchEngine):
            known = None
        if known is not None or not bar_start(attempt):
            return
        gone = EngineReport(tag=attempt.tag, engine_id="", state=State.CANCELLED)
        settling.settle(lease, self._follower, attempt, gone, now)
