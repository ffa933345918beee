"""API tokens: made once, shown once, never stronger than the person they stand for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from dcportal.accounts.models import ROLE_ORDER, SCOPES, ApiToken, User
from dcportal.audit.actions import record
from dcportal.common.access import require_scope
from dcportal.common.actors import Actor
from dcportal.common.changes import create, snapshot, update
from dcportal.common.problems import Forbidden, Problem
from dcportal.common.tokens import digest_of, new_secret, prefix_of
from dcportal.common.validation import check_known, check_row

CREATABLE = frozenset({"name", "role", "scopes", "expires_at"})


def create_token(actor: Actor, user: User, values: Mapping[str, Any], now: datetime) -> tuple[ApiToken, str]:
    """A token that acts for `user`; the secret is returned once and never stored.

    People make their own, administrators anybody's. A token made by a token is no stronger than it.
    """
    require_scope(actor, "admin")
    if actor.user_id != user.pk and not actor.has_role("admin"):
        raise Forbidden("needs_role", role="admin")
    check_known(values, CREATABLE)
    secret = new_secret("api")
    token = ApiToken(user=user, digest=digest_of(secret), prefix=prefix_of(secret), **values)
    with transaction.atomic():
        check_row(token, values, _problems(actor, user, token, now))
        create(token, now)
        record(actor, "token.create", token, before=None, after=snapshot(token), now=now)
    return token, secret


def revoke_token(actor: Actor, token: ApiToken, now: datetime) -> ApiToken:
    """End a token at once; a second call changes nothing."""
    require_scope(actor, "admin")
    if actor.user_id != token.user_id and not actor.has_role("admin"):
        raise Forbidden("needs_role", role="admin")
    if token.revoked_at is not None:
        return token
    before = snapshot(token)
    with transaction.atomic():
        update(token, {"revoked_at": now}, now)
        record(actor, "token.revoke", token, before=before, after=snapshot(token), now=now)
    return token


def _problems(actor: Actor, user: User, token: ApiToken, now: datetime) -> list[Problem]:
    problems = []
    scopes = token.scopes if isinstance(token.scopes, list) else []
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if not scopes:
        problems.append(Problem("/scopes", "required"))
    elif unknown:
        problems.append(Problem("/scopes", "unknown_choice", {"value": str(unknown[0])[:80]}))
    elif not all(actor.may(scope) for scope in scopes):
        problems.append(Problem("/scopes", "stronger_than_yours"))
    if token.role in ROLE_ORDER and not _within(token.role, user, actor):
        problems.append(Problem("/role", "stronger_than_yours"))
    if token.expires_at is not None and token.expires_at <= now:
        problems.append(Problem("/expires_at", "in_the_past"))
    return problems


def _within(role: str, user: User, actor: Actor) -> bool:
    ceiling = user.role if actor.kind != "token" else min(user.role, actor.role, key=ROLE_ORDER.index)
    return ROLE_ORDER.index(role) <= ROLE_ORDER.index(ceiling)
