"""What the scheduler remembers: who may schedule, what it decided, how the engines are."""

from django.db import models

from jobs.models.jobs import Job


class SchedulerLease(models.Model):
    """Who schedules. A new holder raises `epoch`; every write of the scheduler checks it first."""

    name = models.CharField(max_length=32, unique=True)
    holder = models.CharField(max_length=200, blank=True)
    epoch = models.PositiveBigIntegerField(default=0)
    counter = models.PositiveBigIntegerField(default=0)
    renewed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} epoch {self.epoch}"


class Decision(models.Model):
    """A verdict that differs from the one before it, with what it rested on."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="decisions")
    at = models.DateTimeField()
    verdict = models.CharField(max_length=8)
    code = models.CharField(max_length=64)
    params = models.JSONField(default=dict)
    snapshot_hash = models.CharField(max_length=64)
    policy_version = models.PositiveIntegerField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["job", "-id"], name="decision_job")]

    def __str__(self) -> str:
        return f"{self.verdict} {self.code}"


class EngineStatus(models.Model):
    """What an engine said when it was last probed, for the settings page, `doctor` and admission."""

    name = models.CharField(max_length=32, unique=True)
    is_available = models.BooleanField(default=False)
    is_isolated = models.BooleanField(default=False)
    probe = models.JSONField(default=dict)
    nodes = models.JSONField(default=list)
    probed_at = models.DateTimeField(null=True)
    unreachable_since = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
