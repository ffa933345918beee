"""One start of a job, and the accelerators it holds."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from dcportal.common.base import Record
from dcportal.inventory.models import Node
from jobs.models.jobs import Job
from jobs.states import AttemptState


class Attempt(Record):
    """A start, known to its engine by `tag` (`<job uid>.<number>`).

    `processes` lists each process with pid, name, rank and the time it was gone; `stop` is how far a stop
    is. `cause` says why it ended. `raw_state` and `raw_reason` are the engine's own words.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    tag = models.CharField(max_length=32, unique=True)
    state = models.CharField(
        _("state"), max_length=9, choices=AttemptState.choices, default=AttemptState.PREPARED
    )
    engine = models.CharField(max_length=32)
    engine_id = models.CharField(max_length=128, blank=True, db_index=True)
    node = models.ForeignKey(Node, null=True, on_delete=models.PROTECT, related_name="attempts")
    accelerator_uuids = models.JSONField(default=list)
    cpus = models.PositiveIntegerField(default=0)
    memory_bytes = models.BigIntegerField(null=True)
    run_dir = models.CharField(max_length=4096)
    resumed_from = models.ForeignKey("Checkpoint", null=True, on_delete=models.SET_NULL, related_name="+")

    cause = models.JSONField(null=True)
    phase = models.CharField(max_length=32, blank=True)
    raw_state = models.CharField(max_length=64, blank=True)
    raw_reason = models.CharField(max_length=500, blank=True)
    exit_code = models.IntegerField(null=True)
    signal = models.PositiveSmallIntegerField(null=True)
    rank_exits = models.JSONField(default=dict)
    restarts = models.PositiveIntegerField(default=0)
    processes = models.JSONField(default=list)
    stop = models.JSONField(null=True)
    container = models.CharField(max_length=32, blank=True)
    cgroup = models.CharField(max_length=500, blank=True)
    code = models.JSONField(null=True)
    log_bytes = models.BigIntegerField(null=True)
    log_dropped_bytes = models.BigIntegerField(null=True)
    stop_requested_at = models.DateTimeField(null=True)
    preempted_for = models.CharField(max_length=12, blank=True)

    submitted_at = models.DateTimeField(null=True)
    starting_at = models.DateTimeField(null=True)
    running_at = models.DateTimeField(null=True)
    stopping_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["job_id", "number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="attempt_number_once")]
        indexes = [
            models.Index(fields=["state"], name="attempt_state"),
            models.Index(fields=["ended_at"], name="attempt_ended"),
        ]

    def __str__(self) -> str:
        return self.tag


class AcceleratorClaim(models.Model):
    """An accelerator held by an attempt. The database refuses a second open claim on the same one."""

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="claims")
    accelerator_uuid = models.CharField(max_length=96)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["accelerator_uuid"],
                condition=models.Q(to_at__isnull=True),
                name="accelerator_claimed_once",
            )
        ]

    def __str__(self) -> str:
        return self.accelerator_uuid
