"""The stream topic `job:<uid>`: what happens to a job, told to the pages that watch it.

The scheduler is another process, so this one reads new events from the database while somebody watches:
one thread, one query every 250 ms for all watched jobs. Events are hints; a page that misses one reads
REST once. `notices:<user uid>` carries what a person is told, whatever page they are on.
"""

import logging
import threading
import time
from typing import Any

from django.db import DatabaseError, close_old_connections

from dcportal.common.actors import Actor
from dcportal.notify.models import Notice
from dcportal.notify.queries import unread
from jobs.access import jobs_visible_to
from jobs.models import Job, JobEvent
from monitoring.hub import hub, register_topic

logger = logging.getLogger(__name__)
LOOK_SECONDS = 0.25
PROGRESS_SECONDS = 1.0
IDLE_SECONDS = 30.0
SNAPSHOT_EVENTS = 50
BATCH = 500
JOBS, NOTICES = "job", "notices"
PROGRESS_COLUMNS = (
    "uid",
    "state",
    "desired",
    "revision",
    "progress_step",
    "progress_total",
    "eta_at",
    "phase",
)


def register() -> None:
    """Make the topics known to the hub."""
    register_topic(JOBS, may_watch_job, job_snapshot)
    register_topic(NOTICES, lambda actor, key: actor.kind == "user" and key == actor.uid, notices_snapshot)


def may_watch_job(actor: Actor, uid: str) -> bool:
    """Those who may see the job may watch it."""
    return actor.may("read") and jobs_visible_to(actor).filter(uid=uid).exists()


def job_snapshot(actor: Actor, uid: str) -> dict[str, Any]:
    """Where the job is, its newest events, and the seq from which the stream goes on."""
    pump.ensure_runs()
    job = Job.objects.get(uid=uid)
    newest = list(job.events.order_by("-seq")[:SNAPSHOT_EVENTS])[::-1]
    return {"seq": job.event_seq, **progress_of(uid), "events": [event_json(event) for event in newest]}


def event_json(event: JobEvent) -> dict[str, Any]:
    """An event without text: the page, which knows its reader's language, asks for that."""
    return {
        "seq": event.seq,
        "attempt": event.attempt,
        "kind": event.kind,
        "code": event.code,
        "params": event.params,
        "at": event.at.isoformat(),
    }


def notices_snapshot(actor: Actor, uid: str) -> dict[str, Any]:
    pump.ensure_runs()
    return {"unread": unread(actor)}


def progress_of(uid: str) -> dict[str, Any]:
    """State and progress of one job."""
    row = Job.objects.filter(uid=uid).values(*PROGRESS_COLUMNS).first() or {}
    return {name: value for name, value in row.items() if name != "uid"}


class Pump:
    """Reads new events while somebody watches; ends by itself when nobody does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._last_event = self._last_notice = 0
        self._shown: dict[str, dict[str, Any]] = {}

    def ensure_runs(self) -> None:
        """Start the thread unless it runs. The places to read on from are fixed before this returns."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._last_event = _newest(JobEvent)
            self._last_notice = _newest(Notice)
            self._thread = threading.Thread(target=self._run, name="dcp-job-stream", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        watched_at = progress_at = time.monotonic()
        try:
            while time.monotonic() - watched_at < IDLE_SECONDS:
                if self._watched(JOBS) or self._watched(NOTICES):
                    watched_at = time.monotonic()
                    self._look(is_progress_due=watched_at - progress_at >= PROGRESS_SECONDS)
                    if watched_at - progress_at >= PROGRESS_SECONDS:
                        progress_at = watched_at
                time.sleep(LOOK_SECONDS)
        finally:
            close_old_connections()

    def _look(self, is_progress_due: bool) -> None:
        try:
            self.publish_events()
            self.publish_notices()
            if is_progress_due:
                self.publish_progress()
        except DatabaseError:
            logger.exception("cannot read events; trying again")
            close_old_connections()

    def _watched(self, name: str) -> list[str]:
        try:
            return hub.watched(name)
        except RuntimeError:  # the event loop changed the table meanwhile
            return []

    def publish_events(self) -> None:
        """Every new event to the topic of its job."""
        rows = JobEvent.objects.filter(pk__gt=self._last_event).select_related("job").order_by("pk")
        for event in rows.only("seq", "attempt", "kind", "code", "params", "at", "job__uid")[:BATCH]:
            self._last_event = event.pk
            hub.publish_from_thread(f"{JOBS}:{event.job.uid}", {"event": event_json(event), "seq": event.seq})

    def publish_notices(self) -> None:
        """Every new notice to its person."""
        rows = Notice.objects.filter(pk__gt=self._last_notice).select_related("user").order_by("pk")
        for notice in rows[:BATCH]:
            self._last_notice = notice.pk
            told = {"event": notice.event, "subject": notice.subject_uid, "data": notice.payload}
            hub.publish_from_thread(f"{NOTICES}:{notice.user.uid}", {**told, "seq": notice.pk})

    def publish_progress(self) -> None:
        """State and progress of watched jobs where they changed."""
        uids = [topic.partition(":")[2] for topic in self._watched(JOBS)]
        rows = {row["uid"]: row for row in Job.objects.filter(uid__in=uids).values(*PROGRESS_COLUMNS)}
        for uid, row in rows.items():
            if self._shown.get(uid) != row:
                hub.publish_from_thread(f"{JOBS}:{uid}", {"progress": row})
        self._shown = rows


def _newest(model: type[JobEvent] | type[Notice]) -> int:
    return model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


pump = Pump()
"""The pump of this process."""
