"""One-time sign-in links: how the first administrator and every invited person get in."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from dcportal.accounts.identify import user_actor
from dcportal.accounts.models import SignInLink, User
from dcportal.audit.actions import record
from dcportal.common.access import require_role
from dcportal.common.actors import Actor
from dcportal.common.changes import create
from dcportal.common.problems import Conflict, NotFound
from dcportal.common.tokens import digest_of, new_secret

LIFETIME = timedelta(hours=24)


def issue_sign_in_link(user: User, actor: Actor, now: datetime, lifetime: timedelta = LIFETIME) -> str:
    """The secret of a new link for `user`, to be opened at `/link/<secret>/` once within `lifetime`.

    Earlier links of the person that were not used end here. Administrators and the portal only.
    """
    require_role(actor, "admin", "admin")
    if not user.is_active:
        raise Conflict("user_inactive", name=user.username)
    secret = new_secret("link")
    with transaction.atomic():
        SignInLink.objects.filter(user=user, used_at__isnull=True).update(expires_at=now)
        link = SignInLink(user=user, digest=digest_of(secret), expires_at=now + lifetime)
        create(link, now)
        after = {"user": user.username, "expires_at": link.expires_at.isoformat()}
        record(actor, "link.issue", link, before=None, after=after, now=now)
    return secret


def redeem_sign_in_link(secret: str, now: datetime, ip: str | None = None) -> User:
    """The person whose link this is, who is now to be signed in; raises NotFound for a spent one."""
    link = usable_link(secret, now)
    with transaction.atomic():
        spent = SignInLink.objects.filter(pk=link.pk, used_at__isnull=True, expires_at__gt=now)
        if not spent.update(used_at=now, updated_at=now, revision=F("revision") + 1):
            raise NotFound("link_unusable")
        actor = user_actor(link.user, ip=ip)
        record(actor, "link.redeem", link, before={"used_at": None}, after={"used_at": str(now)}, now=now)
    return link.user


def usable_link(secret: str, now: datetime) -> SignInLink:
    """The link that opens with `secret`; NotFound when unknown, used, expired or its person inactive."""
    link = SignInLink.objects.select_related("user").filter(digest=digest_of(secret)).first()
    if link is None or link.used_at or link.expires_at <= now or not link.user.is_active:
        raise NotFound("link_unusable")
    return link
