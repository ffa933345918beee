"""Tells monitoring which attempt holds which GPU, and asks it who else uses one."""

from datetime import datetime

from jobs.models import Attempt
from jobs.ports import ForeignProcess
from monitoring import actions, queries
from monitoring.queries import AcceleratorProcess


class MonitoringTelemetry:
    """The `Telemetry` port of `jobs.ports` over monitoring's own actions and queries."""

    def foreign_processes(self) -> dict[str, list[ForeignProcess]]:
        """Processes on GPUs that no live job of ours started; display servers make no GPU busy."""
        found: dict[str, list[ForeignProcess]] = {}
        for process in queries.accelerator_processes():
            if process.job_tag is None and not process.is_display:
                found.setdefault(process.accelerator_uuid, []).append(as_foreign(process))
        return found

    def occupy(self, attempt: Attempt, now: datetime) -> None:
        """Called inside the transaction that claims the accelerators."""
        job = attempt.job
        actions.occupy(
            job_uid=job.uid,
            attempt=attempt.number,
            owner=job.owner.username,
            team=job.team.name,
            node_uid=attempt.node.uid if attempt.node else "",
            accelerator_uuids=attempt.accelerator_uuids,
            now=now,
        )

    def release(self, attempt: Attempt, now: datetime) -> None:
        actions.release(job_uid=attempt.job.uid, attempt=attempt.number, now=now)


def as_foreign(process: AcceleratorProcess) -> ForeignProcess:
    return ForeignProcess(
        accelerator_uuid=process.accelerator_uuid,
        pid=process.pid,
        user=process.user,
        memory_bytes=process.memory_bytes,
        since=None,
    )
