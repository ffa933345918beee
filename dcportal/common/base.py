"""Abstract models that every table of the product starts from."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from dcportal.common.ids import UID_LENGTH, new_uid


class Record(models.Model):
    """A row with a public identifier and a revision that If-Match and conditional UPDATE use."""

    uid = models.CharField(max_length=UID_LENGTH, unique=True, default=new_uid, editable=False)
    created_at = models.DateTimeField(_("created"), editable=False)
    updated_at = models.DateTimeField(_("updated"), editable=False)
    revision = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True


class OwnedRecord(Record):
    """A row that belongs to a person and a team; others do not learn that it exists."""

    team = models.ForeignKey("accounts.Team", on_delete=models.PROTECT, verbose_name=_("team"))
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, verbose_name=_("owner"))

    class Meta:
        abstract = True
