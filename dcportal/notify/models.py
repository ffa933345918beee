"""Who is told of what, and what still has to be delivered."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from dcportal.common.base import OwnedRecord, Record


class Webhook(OwnedRecord):
    """An address of a team that is told of events, each message signed with a secret of its own."""

    name = models.CharField(_("name"), max_length=100)
    url = models.CharField(_("address"), max_length=2000)
    ciphertext = models.BinaryField(editable=False)
    events = models.JSONField(_("events"), default=list)
    is_enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Delivery(Record):
    """A message in the outbox. Written with what it tells of; delivered, or given up, exactly once."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=32)
    subject_uid = models.CharField(max_length=12)
    payload = models.JSONField()
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["next_at"], name="delivery_due")]

    def __str__(self) -> str:
        return f"{self.event} {self.subject_uid}"


class Notice(Record):
    """Something that pages tell one person; browsers show it while it is fresh."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    event = models.CharField(max_length=32)
    subject_uid = models.CharField(max_length=12)
    payload = models.JSONField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["user", "-id"], name="notice_user")]

    def __str__(self) -> str:
        return f"{self.event} {self.subject_uid}"
