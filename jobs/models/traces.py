"""What a run leaves behind: events, curves, checkpoints, artifacts, and how far its files were read."""

from django.db import models

from dcportal.common.base import OwnedRecord, Record
from jobs.models.attempts import Attempt
from jobs.models.jobs import Job

POINTS_PER_BLOCK = 1024


class JobEvent(models.Model):
    """Something that happened to a job, in order of `seq`. Only `actions.events.emit` inserts rows."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveBigIntegerField()
    attempt = models.PositiveIntegerField(null=True)
    kind = models.CharField(max_length=16)
    code = models.CharField(max_length=64)
    params = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        ordering = ["job_id", "seq"]
        constraints = [models.UniqueConstraint(fields=["job", "seq"], name="job_event_seq")]
        indexes = [models.Index(fields=["at"], name="job_event_at")]

    def __str__(self) -> str:
        return f"{self.seq} {self.code}"


class CurveBlock(models.Model):
    """Up to 1,024 points of one metric of one attempt, as packed little-endian arrays.

    steps: int64; times: float64 seconds since 1970; values: float64, where NaN and infinity are kept.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="curves")
    attempt = models.PositiveIntegerField()
    metric = models.CharField(max_length=64)
    index = models.PositiveIntegerField()
    num_points = models.PositiveSmallIntegerField()
    first_step = models.BigIntegerField()
    last_step = models.BigIntegerField()
    steps = models.BinaryField()
    times = models.BinaryField()
    values = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "attempt", "metric", "index"], name="curve_block_once")
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.index}"


class Checkpoint(Record):
    """A saved state of training that a later attempt may resume from. `path` is below the work folder."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="checkpoints")
    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="checkpoints")
    step = models.BigIntegerField()
    path = models.CharField(max_length=1024)
    size_bytes = models.BigIntegerField(null=True)
    is_best = models.BooleanField(default=False)
    saved_at = models.DateTimeField()
    missing_since = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-saved_at"]
        constraints = [models.UniqueConstraint(fields=["attempt", "path"], name="checkpoint_once")]


class Artifact(OwnedRecord):
    """A file that a run left in its `artifacts` folder. `path` is below that folder."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="artifacts")
    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="artifacts")
    path = models.CharField(max_length=1024)
    size_bytes = models.BigIntegerField()
    modified_at = models.DateTimeField()

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["attempt", "path"], name="artifact_once")]

    def __str__(self) -> str:
        return self.path


class FollowOffset(models.Model):
    """How far a file of a run was read; written in the transaction that stores what was read.

    A file is known by its inode, because a full one is renamed while it is followed.
    """

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="offsets")
    file = models.CharField(max_length=255)
    inode = models.PositiveBigIntegerField()
    offset = models.PositiveBigIntegerField(default=0)
    lines_skipped = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attempt", "inode"], name="follow_offset_once")]

    def __str__(self) -> str:
        return f"{self.file} at {self.offset}"
