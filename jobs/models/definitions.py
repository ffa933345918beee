"""What jobs are made from: queues, templates, environments, data sets, secrets, uploaded code."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from dcportal.common.base import OwnedRecord, Record
from dcportal.common.ids import UID_LENGTH


class SiteOrOwned(Record):
    """A row of a person and a team, or of the site itself: then both are empty, everybody sees it and
    operators change it."""

    team = models.ForeignKey(
        "accounts.Team", null=True, blank=True, on_delete=models.PROTECT, verbose_name=_("team")
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        verbose_name=_("owner"),
        related_name="+",
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=models.Q(team__isnull=True, owner__isnull=True)
                | models.Q(team__isnull=False, owner__isnull=False),
                name="%(class)s_owned_or_site",
            )
        ]


class Queue(SiteOrOwned):
    """A line in which jobs wait. A higher weight is considered first, whatever the priorities."""

    name = models.CharField(_("name"), max_length=64, unique=True)
    description = models.CharField(_("description"), max_length=300, blank=True)
    weight = models.IntegerField(_("weight"), default=0)
    is_open = models.BooleanField(_("open"), default=True)
    is_default = models.BooleanField(_("default"), default=False)

    class Meta(SiteOrOwned.Meta):
        ordering = ["-weight", "name"]
        constraints = [
            *SiteOrOwned.Meta.constraints,
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="one_default_queue"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class JobTemplate(SiteOrOwned):
    """A request to start from. Editing makes a new version; `superseded_at` marks the older ones.

    `family` is the uid of the first version and stays; `locked` lists dotted names of settings that a
    job made from it cannot change. `builtin` names a template that comes with the portal.
    """

    family = models.CharField(max_length=UID_LENGTH, db_index=True)
    version = models.PositiveIntegerField(_("version"), default=1)
    name = models.CharField(_("name"), max_length=120)
    description = models.CharField(_("description"), max_length=1000, blank=True)
    icon = models.CharField(max_length=32, blank=True)
    request = models.JSONField(_("request"))
    locked = models.JSONField(_("locked settings"), default=list)
    builtin = models.CharField(max_length=32, blank=True, db_index=True)
    superseded_at = models.DateTimeField(null=True, editable=False)
    retired_at = models.DateTimeField(_("retired"), null=True, editable=False)

    class Meta(SiteOrOwned.Meta):
        ordering = ["name", "-version"]
        constraints = [
            *SiteOrOwned.Meta.constraints,
            models.UniqueConstraint(fields=["family", "version"], name="template_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class Environment(SiteOrOwned):
    """A Python that jobs run in. `check` is what it said of itself when it was last run, None before.

    The default one is the trainer's own; `check` holds python, torch, cuda, is_cuda_usable, devices, error.
    """

    name = models.CharField(_("name"), max_length=64)
    description = models.CharField(_("description"), max_length=300, blank=True)
    interpreter = models.CharField(_("interpreter"), max_length=4096)
    is_default = models.BooleanField(_("default"), default=False)
    check_result = models.JSONField(null=True, editable=False)
    checked_at = models.DateTimeField(_("checked"), null=True, editable=False)

    class Meta(SiteOrOwned.Meta):
        ordering = ["-is_default", "name"]
        constraints = [
            *SiteOrOwned.Meta.constraints,
            models.UniqueConstraint(fields=["team", "name"], name="environment_name_in_team"),
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(team__isnull=True), name="environment_name_of_site"
            ),
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="one_default_environment"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Dataset(OwnedRecord):
    """Data on the server's disks. `readers` are the teams besides its own that may use it.

    `fingerprint` is a hash over names, sizes and times of the files, so a change shows without reading
    terabytes; None until it was scanned.
    """

    name = models.CharField(_("name"), max_length=120)
    description = models.CharField(_("description"), max_length=1000, blank=True)
    path = models.CharField(_("path"), max_length=4096)
    size_bytes = models.BigIntegerField(_("size"), null=True, editable=False)
    num_files = models.BigIntegerField(_("files"), null=True, editable=False)
    fingerprint = models.CharField(_("fingerprint"), max_length=64, null=True, editable=False)  # noqa: DJ001
    scanned_at = models.DateTimeField(_("scanned"), null=True, editable=False)
    readers = models.ManyToManyField("accounts.Team", blank=True, related_name="+", verbose_name=_("readers"))

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="dataset_name_in_team")]

    def __str__(self) -> str:
        return self.name


class Secret(OwnedRecord):
    """A value that jobs of a team get as a variable. Kept encrypted; no answer ever holds it."""

    name = models.CharField(_("name"), max_length=120)
    description = models.CharField(_("description"), max_length=300, blank=True)
    ciphertext = models.BinaryField(editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="secret_name_in_team")]

    def __str__(self) -> str:
        return self.name


class CodeUpload(OwnedRecord):
    """An archive of code that somebody sent; its bytes lie in `<data>/uploads/<uid>`."""

    file_name = models.CharField(_("file"), max_length=255)
    size_bytes = models.BigIntegerField(_("size"))
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.file_name
