"""Where things stand: site, room, row, rack."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from dcportal.common.base import Record


class SiteKind(models.TextChoices):
    CORE = "core", _("Core")
    EDGE = "edge", _("Edge")
    CLOUD = "cloud", _("Cloud")


class Site(Record):
    """A place with its own power contract, climate and time zone."""

    name = models.CharField(_("name"), max_length=64, unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=SiteKind.choices, default=SiteKind.CORE)
    timezone = models.CharField(_("time zone"), max_length=64, default="UTC")
    address = models.CharField(_("address"), max_length=300, blank=True)
    is_simulated = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Room(Record):
    """A hall within a site."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="rooms", verbose_name=_("site"))
    name = models.CharField(_("name"), max_length=64)

    class Meta:
        ordering = ["site__name", "name"]
        constraints = [models.UniqueConstraint(fields=["site", "name"], name="room_name_in_site")]

    def __str__(self) -> str:
        return f"{self.site.name} / {self.name}"


class Row(Record):
    """A line of racks within a room."""

    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="rows", verbose_name=_("room"))
    name = models.CharField(_("name"), max_length=64)

    class Meta:
        ordering = ["room__name", "name"]
        constraints = [models.UniqueConstraint(fields=["room", "name"], name="row_name_in_room")]

    def __str__(self) -> str:
        return f"{self.room} / {self.name}"


class Rack(Record):
    """A cabinet: so many height units, so many kW."""

    row = models.ForeignKey(Row, on_delete=models.PROTECT, related_name="racks", verbose_name=_("row"))
    name = models.CharField(_("name"), max_length=64)
    height_units = models.PositiveSmallIntegerField(
        _("height (U)"), default=42, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    power_limit_kilowatts = models.FloatField(
        _("power limit (kW)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0.1), MaxValueValidator(1000)],
    )

    class Meta:
        ordering = ["row__name", "name"]
        constraints = [models.UniqueConstraint(fields=["row", "name"], name="rack_name_in_row")]

    def __str__(self) -> str:
        return self.name
