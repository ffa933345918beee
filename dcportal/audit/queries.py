"""Who may read which part of the trail."""

from django.db.models import Q, QuerySet

from dcportal.audit.models import AuditEntry
from dcportal.common.actors import Actor
from dcportal.common.problems import NotFound


def entries_visible_to(actor: Actor) -> QuerySet[AuditEntry]:
    """Everything for operators of the site; others see what they did themselves."""
    if actor.kind == "system" or actor.has_role("operator"):
        return AuditEntry.objects.all()
    return AuditEntry.objects.filter(Q(user_id=actor.user_id))


def get_entry(actor: Actor, uid: str) -> AuditEntry:
    """The entry with this uid; NotFound when missing or another's, alike."""
    entry = entries_visible_to(actor).filter(uid=uid).first()
    if entry is None:
        raise NotFound()
    return entry
