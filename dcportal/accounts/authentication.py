"""How the REST API learns who asks: a bearer token, or the session of a signed-in page."""

import contextlib
from datetime import timedelta

from django.db import OperationalError
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from dcportal.accounts.identify import client_ip, token_actor, usable_token
from dcportal.accounts.models import ApiToken, User
from dcportal.common.clock import utcnow
from dcportal.common.db import impatient
from dcportal.common.tokens import digest_of

LAST_USED_RESOLUTION = timedelta(minutes=1)


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`; only its digest is looked up."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _space, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        now = utcnow()
        token = usable_token(digest_of(secret.strip()), now)
        if token is None:
            raise AuthenticationFailed(_("This token is unknown, revoked or expired."))
        if token.last_used_at is None or now - token.last_used_at > LAST_USED_RESOLUTION:
            # A busy database must neither refuse a read nor make it wait: this was 20 s.
            with contextlib.suppress(OperationalError), impatient():
                ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        request._request._dcp_actor = token_actor(  # type: ignore[attr-defined]
            token,
            ip=client_ip(request._request),
            request_id=getattr(request._request, "request_id", ""),
        )
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class SignedInSession(SessionAuthentication):
    """The browser's session, with Django's CSRF check on every unsafe call."""
