"""The append-only trail of every change: who, when, what, before and after."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from dcportal.common.ids import UID_LENGTH, new_uid


class AuditEntry(models.Model):
    """One change. A database trigger refuses UPDATE and DELETE on this table.

    The actor is kept as text, so that the entry still reads right when the user is gone; `user` has
    no constraint in the database because removing a user must not touch this table.
    """

    uid = models.CharField(max_length=UID_LENGTH, unique=True, default=new_uid, editable=False)
    at = models.DateTimeField(_("time"), db_index=True)
    actor_kind = models.CharField(max_length=8)
    actor_uid = models.CharField(max_length=64)
    actor_name = models.CharField(max_length=200)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    via = models.CharField(max_length=16)
    ip = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    verb = models.CharField(max_length=64, db_index=True)
    target_type = models.CharField(max_length=64)
    target_uid = models.CharField(max_length=64)
    target_name = models.CharField(max_length=300, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["target_type", "target_uid"], name="audit_target"),
            models.Index(fields=["actor_uid"], name="audit_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.verb} {self.target_type} {self.target_name}"
