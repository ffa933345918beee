"""Machines: their type, their place, and the four things that are known of their condition."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from dcportal.common.base import Record
from dcportal.inventory.models.sites import Rack, Site


class NodeType(Record):
    """A model of machine that one can buy, with its rated power."""

    manufacturer = models.CharField(_("manufacturer"), max_length=64)
    model = models.CharField(_("model"), max_length=100)
    height_units = models.PositiveSmallIntegerField(
        _("height (U)"), default=1, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    accelerator_model = models.CharField(_("GPU model"), max_length=100, blank=True)
    accelerator_count = models.PositiveSmallIntegerField(_("GPUs"), default=0)
    idle_watts = models.PositiveIntegerField(_("idle power (W)"), null=True, blank=True)
    typical_watts = models.PositiveIntegerField(_("typical power (W)"), null=True, blank=True)
    maximum_watts = models.PositiveIntegerField(_("maximum power (W)"), null=True, blank=True)

    class Meta:
        ordering = ["manufacturer", "model"]
        constraints = [models.UniqueConstraint(fields=["manufacturer", "model"], name="node_type_once")]

    def __str__(self) -> str:
        return f"{self.manufacturer} {self.model}"


class Lifecycle(models.TextChoices):
    """Written by people."""

    PLANNED = "planned", _("Planned")
    ACTIVE = "active", _("Active")
    FAILED = "failed", _("Failed")
    RETIRED = "retired", _("Retired")


class Admission(models.TextChoices):
    """Whether the portal trusts what this node's agent says."""

    NEW = "new", _("New")
    ACCEPTED = "accepted", _("Accepted")
    REVOKED = "revoked", _("Revoked")


class Liveness(models.TextChoices):
    """Derived from the age of the last sample."""

    UNKNOWN = "unknown", _("Never seen")
    LIVE = "live", _("Live")
    STALE = "stale", _("Stale")
    LOST = "lost", _("Lost")


class Node(Record):
    """A machine. `schedulable` False means drained: running jobs stay, no new one starts.

    `launch_engine` names the engine that can start jobs here; without one the node is watch only,
    and `watch_only_reason` says why. `facts` is what the agent said of itself in its last hello.
    """

    name = models.CharField(_("name"), max_length=253, unique=True)
    # NULL, not empty, for nodes entered by hand: several of them must not clash in the unique index.
    machine_id = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001
    node_type = models.ForeignKey(
        NodeType,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="nodes",
        verbose_name=_("type"),
    )
    site = models.ForeignKey(
        Site,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="nodes",
        verbose_name=_("site"),
    )
    rack = models.ForeignKey(
        Rack,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="nodes",
        verbose_name=_("rack"),
    )
    position_units = models.PositiveSmallIntegerField(
        _("lowest U"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    serial = models.CharField(_("serial number"), max_length=100, blank=True)
    lifecycle = models.CharField(
        _("lifecycle"), max_length=8, choices=Lifecycle.choices, default=Lifecycle.ACTIVE
    )
    admission = models.CharField(
        _("admission"), max_length=8, choices=Admission.choices, default=Admission.NEW
    )
    liveness = models.CharField(
        _("liveness"), max_length=8, choices=Liveness.choices, default=Liveness.UNKNOWN
    )
    last_seen_at = models.DateTimeField(_("last seen"), null=True, editable=False)
    schedulable = models.BooleanField(_("takes jobs"), default=True)
    unschedulable_reason = models.CharField(_("why not"), max_length=300, blank=True)
    launch_engine = models.CharField(max_length=32, blank=True, editable=False)
    watch_only_reason = models.JSONField(null=True, editable=False)
    is_simulated = models.BooleanField(default=False, editable=False)
    agent_version = models.CharField(max_length=32, blank=True, editable=False)
    boot_id = models.CharField(max_length=64, blank=True, editable=False)
    cpu_count = models.PositiveIntegerField(_("CPU threads"), null=True, editable=False)
    memory_bytes = models.BigIntegerField(_("memory"), null=True, editable=False)
    facts = models.JSONField(default=dict, editable=False)

    class Meta:
        ordering = ["name"]
        indexes = [
            models.Index(fields=["liveness", "name"], name="node_liveness"),
            models.Index(fields=["admission", "name"], name="node_admission"),
            models.Index(fields=["lifecycle", "name"], name="node_lifecycle"),
            models.Index(fields=["is_simulated"], name="node_simulated"),
        ]

    def __str__(self) -> str:
        return self.name


class NodeToken(Record):
    """The secret by which an agent proves which nodes it may write. Only its digest is kept.

    An empty set of nodes means: the first node that says hello with it becomes its node.
    """

    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(max_length=12, db_index=True)
    digest = models.CharField(max_length=64, unique=True)
    nodes = models.ManyToManyField(Node, related_name="tokens", blank=True)
    accepts_at_once = models.BooleanField(_("accept its node at once"), default=False)
    may_simulate = models.BooleanField(_("simulated fleet"), default=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True)
    last_used_at = models.DateTimeField(_("last used"), null=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
