"""Who held which GPU when, and what runs on the GPUs. Samples are not here: see `monitoring.store`."""

from django.db import models
from django.db.models import Q


class Occupancy(models.Model):
    """A stretch of time in which an attempt of a job held a GPU, or (accelerator empty) CPUs of a node.

    Written by `monitoring.actions`, called by jobs. Keys are uids, since jobs stand above monitoring; so are
    owner and team.
    """

    accelerator_uuid = models.CharField(max_length=96, blank=True)
    node_uid = models.CharField(max_length=12)
    job_uid = models.CharField(max_length=12)
    attempt = models.PositiveIntegerField()
    owner = models.CharField(max_length=64)
    team = models.CharField(max_length=64)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["accelerator_uuid", "from_at"], name="occupancy_accelerator"),
            models.Index(fields=["node_uid", "from_at"], name="occupancy_node"),
            models.Index(fields=["job_uid", "attempt"], name="occupancy_job"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["accelerator_uuid"],
                condition=Q(to_at__isnull=True) & ~Q(accelerator_uuid=""),
                name="one_occupant_per_accelerator",
            )
        ]

    def __str__(self) -> str:
        return f"{self.job_uid}.{self.attempt} on {self.accelerator_uuid or self.node_uid}"


class NodeProcesses(models.Model):
    """What a node's agent last saw running on its GPUs: read by the scheduler, which is another process."""

    node_uid = models.CharField(max_length=12, unique=True)
    seen_at = models.DateTimeField()
    processes = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"processes of {self.node_uid}"
