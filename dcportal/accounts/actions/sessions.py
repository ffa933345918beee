"""Who came in, who went, and who was turned away."""

from datetime import datetime

from dcportal.accounts.models import User
from dcportal.audit.actions import record
from dcportal.common.actors import Actor


def note_sign_in(actor: Actor, user: User, now: datetime) -> None:
    """`user` signed in with a password or a link."""
    User.objects.filter(pk=user.pk).update(last_login=now)
    record(actor, "session.begin", user, before=None, after={"signed_in": True}, now=now)


def note_sign_out(actor: Actor, user: User, now: datetime) -> None:
    """`user` signed out of this browser."""
    record(actor, "session.end", user, before={"signed_in": True}, after=None, now=now)


def note_failed_sign_in(username: str, ip: str | None, now: datetime) -> None:
    """Somebody gave a wrong password for an existing person; unknown names leave no line."""
    user = User.objects.filter(username=username[:64]).first()
    if user is None:
        return
    visitor = Actor(kind="system", uid="visitor", name="visitor", role="viewer", ip=ip, via="web")
    record(visitor, "session.refused", user, before=None, after={"signed_in": False}, now=now)
