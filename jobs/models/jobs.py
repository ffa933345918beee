"""The job: a request, what people want of it, and where it is."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from dcportal.common.base import OwnedRecord
from jobs.models.definitions import Dataset, Environment, JobTemplate, Queue
from jobs.states import Desired, JobState, Kind


class Job(OwnedRecord):
    """One request to run something. `request` is its canonical JSON, the stored truth.

    The columns from `ranks` to `memory_bytes` repeat parts of the request so that lists and the scheduler
    need not open it. `reason` says why the job is where it is; `engine_unreachable_since` stands beside
    the state and is never a failure. `progress_*` and `eta_at` come from the job's own events; unknown is
    None.
    """

    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.BATCH)
    parent = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="children", editable=False
    )
    array_index = models.PositiveIntegerField(null=True, editable=False)
    queue = models.ForeignKey(Queue, on_delete=models.PROTECT, related_name="jobs", verbose_name=_("queue"))
    template = models.ForeignKey(
        JobTemplate, null=True, on_delete=models.PROTECT, related_name="jobs", editable=False
    )
    cloned_from = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="clones", editable=False
    )
    environment = models.ForeignKey(Environment, null=True, on_delete=models.PROTECT, related_name="jobs")
    dataset = models.ForeignKey(Dataset, null=True, on_delete=models.PROTECT, related_name="jobs")
    dependencies = models.ManyToManyField(
        "self", symmetrical=False, through="JobDependency", related_name="dependents"
    )

    request = models.JSONField(editable=False)
    request_schema = models.PositiveIntegerField(editable=False)
    request_hash = models.CharField(max_length=64, editable=False)

    priority = models.SmallIntegerField(_("priority"), default=0)
    preemptible = models.BooleanField(_("may be interrupted"), default=False)
    time_limit_seconds = models.PositiveIntegerField(_("time limit"), null=True)
    max_retries = models.PositiveSmallIntegerField(_("retries"), default=0)
    not_before = models.DateTimeField(_("not before"), null=True)

    ranks = models.PositiveIntegerField(_("ranks"))
    gpus = models.PositiveIntegerField(_("GPUs"), default=0)
    gpu_type = models.CharField(_("GPU type"), max_length=120, blank=True)
    cpus = models.PositiveIntegerField(_("CPU cores"), null=True)
    memory_bytes = models.BigIntegerField(_("memory"), null=True)

    desired = models.CharField(max_length=4, choices=Desired.choices, default=Desired.RUN)
    desired_by = models.CharField(max_length=200, blank=True)
    desired_at = models.DateTimeField(null=True)
    state = models.CharField(_("state"), max_length=9, choices=JobState.choices, default=JobState.DRAFT)
    reason = models.JSONField(null=True)
    engine = models.CharField(max_length=32, blank=True)
    engine_unreachable_since = models.DateTimeField(null=True)

    attempts_made = models.PositiveIntegerField(default=0)
    retries_used = models.PositiveIntegerField(default=0)
    requeues_used = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)

    queued_at = models.DateTimeField(_("queued"), null=True)
    held_at = models.DateTimeField(_("held"), null=True)
    starting_at = models.DateTimeField(_("starting"), null=True)
    running_at = models.DateTimeField(_("running"), null=True)
    stopping_at = models.DateTimeField(_("stopping"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    progress_step = models.BigIntegerField(null=True)
    progress_total = models.BigIntegerField(null=True)
    progress_at = models.DateTimeField(null=True)
    eta_at = models.DateTimeField(null=True)
    phase = models.CharField(max_length=32, blank=True)
    latest_metrics = models.JSONField(default=dict)
    exit_code = models.IntegerField(null=True)
    event_seq = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["state", "-id"], name="job_state"),
            models.Index(fields=["team", "state", "-id"], name="job_team_state"),
            models.Index(fields=["owner", "state", "-id"], name="job_owner_state"),
            models.Index(fields=["queue", "state", "-id"], name="job_queue_state"),
            models.Index(fields=["name"], name="job_name"),
            models.Index(fields=["created_at"], name="job_created"),
            models.Index(fields=["ended_at"], name="job_ended"),
        ]

    def __str__(self) -> str:
        return self.name


class JobDependency(models.Model):
    """`job` may start only once `on` has ended: well (`success`) or in any way (`end`)."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="waits_for")
    on = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="waited_for_by")
    condition = models.CharField(max_length=8, default="success")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "on"], name="dependency_once")]

    def __str__(self) -> str:
        return f"{self.job_id} after {self.on_id}"


class SubmissionKey(models.Model):
    """An Idempotency-Key that was used: the same key with the same body answers with the same job."""

    actor_uid = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["actor_uid", "key"], name="submission_key_once")]

    def __str__(self) -> str:
        return self.key
