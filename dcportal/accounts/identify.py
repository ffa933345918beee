"""From a request, socket or token to the Actor that actions take."""

from datetime import datetime

from django.http import HttpRequest

from dcportal.accounts.models import ROLE_ORDER, ApiToken, User
from dcportal.common.actors import Actor


def actor_of(request: HttpRequest) -> Actor:
    """The actor of a signed-in request, read once per request."""
    known: Actor | None = getattr(request, "_dcp_actor", None)
    if known is None or known.user_id != request.user.pk:
        known = user_actor(
            request.user,  # type: ignore[arg-type]
            ip=client_ip(request),
            request_id=getattr(request, "request_id", ""),
            via="api" if request.path.startswith("/api/") else "web",
        )
        request._dcp_actor = known  # type: ignore[attr-defined]
    return known


def user_actor(user: User, *, ip: str | None = None, request_id: str = "", via: str = "web") -> Actor:
    """The actor for a person."""
    return Actor(
        kind="user",
        uid=user.uid,
        name=user.username,
        role=user.role,
        teams=team_roles(user),
        user_id=user.pk,
        ip=ip,
        request_id=request_id,
        via=via,
    )


def token_actor(token: ApiToken, *, ip: str | None = None, request_id: str = "") -> Actor:
    """The actor for a token: the weaker of the token's and the person's role, within its scopes."""
    return Actor(
        kind="token",
        uid=token.uid,
        name=f"{token.user.username} ({token.name})",
        role=min(token.role, token.user.role, key=ROLE_ORDER.index),
        teams=team_roles(token.user),
        scopes=frozenset(token.scopes),
        user_id=token.user_id,
        ip=ip,
        request_id=request_id,
        via="api",
    )


def team_roles(user: User) -> dict[str, str]:
    """Uid of each of the person's teams -> role held there."""
    return dict(user.memberships.values_list("team__uid", "role"))


def usable_token(digest: str, now: datetime) -> ApiToken | None:
    """The token with this digest unless revoked, expired, or its person is inactive."""
    token = ApiToken.objects.select_related("user").filter(digest=digest).first()
    if token is None or token.revoked_at or not token.user.is_active:
        return None
    if token.expires_at is not None and token.expires_at <= now:
        return None
    return token


def client_ip(request: HttpRequest) -> str | None:
    """The peer's address. A proxy's header is not read here: uvicorn does that when told to."""
    return request.META.get("REMOTE_ADDR") or None
