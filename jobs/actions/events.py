"""The one place that inserts events of jobs; always the last thing in a transaction."""

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F

from jobs.models import Job, JobEvent

# Ids must become visible in order; on PostgreSQL two transactions would otherwise overtake each other.
_ADVISORY_LOCK = 0x64637001


def emit(
    job: Job, kind: str, code: str, now: datetime, *, attempt: int | None = None, **params: Any
) -> JobEvent:
    """Append an event to the job's stream. Call it last in the transaction that made it true."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
    Job.objects.filter(pk=job.pk).update(event_seq=F("event_seq") + 1)
    seq = Job.objects.values_list("event_seq", flat=True).get(pk=job.pk)
    job.event_seq = seq
    return JobEvent.objects.create(
        job=job, seq=seq, attempt=attempt, kind=kind, code=code, params=params, at=now
    )
