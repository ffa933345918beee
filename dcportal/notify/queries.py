"""What pages and API read of notices and webhooks."""

from django.db.models import QuerySet

from dcportal.common.actors import Actor
from dcportal.common.visibility import visible_to
from dcportal.notify.models import Notice, Webhook


def webhooks(actor: Actor) -> QuerySet[Webhook]:
    """Webhooks of one's teams."""
    return visible_to(Webhook.objects.select_related("team", "owner"), actor)


def notices(actor: Actor, after_id: int = 0) -> QuerySet[Notice]:
    """A person's own notices, newest first."""
    return Notice.objects.filter(user__pk=actor.user_id or 0, pk__gt=after_id)


def unread(actor: Actor) -> int:
    """How many notices the person has not seen."""
    return notices(actor).filter(read_at=None).count()
