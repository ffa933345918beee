"""GPUs, where each has been, and what befell it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from dcportal.common.base import Record
from dcportal.inventory.models.nodes import Node


class Accelerator(Record):
    """A GPU, known by its UUID wherever it is plugged in.

    `missing_since` is set when its node's agent no longer reports it; the row stays. `index` is for
    display only, since it changes with the order on the bus.
    """

    uuid = models.CharField(max_length=96, unique=True)
    node = models.ForeignKey(
        Node, on_delete=models.PROTECT, related_name="accelerators", verbose_name=_("node")
    )
    index = models.PositiveSmallIntegerField(_("index"), null=True)
    model = models.CharField(_("model"), max_length=100)
    vendor = models.CharField(max_length=32, default="nvidia")
    memory_bytes = models.BigIntegerField(_("memory"), null=True)
    power_limit_watts = models.FloatField(_("power limit (W)"), null=True)
    pci_bus_id = models.CharField(max_length=32, blank=True)
    compute_capability = models.CharField(max_length=8, blank=True)
    missing_since = models.DateTimeField(_("missing since"), null=True)
    is_simulated = models.BooleanField(default=False)

    class Meta:
        ordering = ["node__name", "index"]
        indexes = [
            models.Index(fields=["model"], name="accelerator_model"),
            models.Index(fields=["is_simulated"], name="accelerator_simulated"),
        ]

    def __str__(self) -> str:
        return f"{self.node.name} GPU {self.index}"


class AcceleratorPlacement(models.Model):
    """A stretch of time that an accelerator spent in a slot of a node."""

    accelerator = models.ForeignKey(Accelerator, on_delete=models.CASCADE, related_name="placements")
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="+")
    slot = models.CharField(max_length=32, blank=True)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["accelerator", "from_at"], name="placement_time")]

    def __str__(self) -> str:
        return f"{self.accelerator} in {self.node} {self.slot}"


class HardwareEvent(models.Model):
    """Something that befell hardware (XID, ECC, throttle, reset, lost); kept for years."""

    at = models.DateTimeField(db_index=True)
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="hardware_events")
    accelerator = models.ForeignKey(
        Accelerator, null=True, on_delete=models.CASCADE, related_name="hardware_events"
    )
    code = models.CharField(max_length=32)
    params = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["node", "at"], name="hardware_event_node")]

    def __str__(self) -> str:
        return f"{self.code} of {self.accelerator or self.node}"
