"""Who sits at the other end of a socket: asked at connect, and again every few seconds while it is open."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare

from dcportal.accounts.identify import token_actor, usable_token, user_actor
from dcportal.accounts.models import User
from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from dcportal.common.tokens import digest_of


def actor_of_scope(scope: Mapping[str, Any]) -> Actor | None:
    """The actor of a socket's bearer token or session as it is in the database now; None when there is none.

    Blocks: call it through `common.db.in_thread`.
    """
    headers = dict(scope.get("headers", ()))
    address = (scope.get("client") or (None,))[0]
    authorization = headers.get(b"authorization", b"").decode("latin-1")
    if authorization:
        return _of_token(authorization, address)
    session = scope.get("session")
    return _of_session(getattr(session, "session_key", None), address) if session is not None else None


def _of_token(authorization: str, address: str | None) -> Actor | None:
    scheme, _, secret = authorization.partition(" ")
    token = usable_token(digest_of(secret.strip()), utcnow()) if scheme.lower() == "bearer" else None
    return token_actor(token, ip=address) if token is not None and "read" in _scopes(token.scopes) else None


def _scopes(scopes: list[str]) -> set[str]:
    return {*scopes, "read"} if "admin" in scopes else set(scopes)


def _of_session(key: str | None, address: str | None) -> Actor | None:
    if not key:
        return None
    stored = import_module(settings.SESSION_ENGINE).SessionStore(key).load()
    if stored.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    user = User.objects.filter(pk=stored.get(SESSION_KEY), is_active=True).first()
    if user is None or not constant_time_compare(
        stored.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()
    ):
        return None
    return user_actor(user, ip=address, via="socket")
