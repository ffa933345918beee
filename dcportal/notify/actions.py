"""Webhooks: add, change, remove. A secret is shown once, when it is made."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from dcportal.accounts.models import Team, User
from dcportal.audit import actions as audit
from dcportal.common import vault
from dcportal.common.actors import Actor
from dcportal.common.changes import create, require_revision, snapshot, update
from dcportal.common.problems import Forbidden, invalid
from dcportal.common.tokens import new_secret
from dcportal.common.visibility import may_change
from dcportal.notify import addresses, queries
from dcportal.notify.delivery import KEY
from dcportal.notify.models import Webhook
from dcportal.notify.outbox import EVENTS

SCOPE = "jobs"


def add_webhook(
    actor: Actor, team: Team, name: str, url: str, now: datetime, events: Any = EVENTS
) -> tuple[Webhook, str]:
    """A new webhook of a team and its secret, which is not shown again. Raises Forbidden, Invalid."""
    _require(actor)
    if not (actor.has_role("operator") or actor.has_team_role(team.uid, "user")):
        raise invalid("/team", "webhook_foreign_team")
    secret = new_secret("hook")
    if actor.user_id is None:
        raise Forbidden("forbidden")
    row = Webhook(team=team, owner_id=actor.user_id, ciphertext=vault.encrypt(secret, KEY))
    for column, value in _cleaned({"name": name, "url": url, "events": events}).items():
        setattr(row, column, value)
    with transaction.atomic():
        create(row, now)
        audit.record(actor, "webhook.create", row, before=None, after=snapshot(row), now=now)
    return row, secret


def edit_webhook(
    actor: Actor, row: Webhook, changes: Mapping[str, Any], now: datetime, expected: int | None = None
) -> Webhook:
    """Change name, address, events or whether it is enabled."""
    _require(actor, row)
    require_revision(row, expected)
    values = _cleaned(changes)
    with transaction.atomic():
        before = snapshot(row)
        update(row, values, now)
        audit.record(actor, "webhook.edit", row, before=before, after=snapshot(row), now=now)
    return row


def remove_webhook(actor: Actor, row: Webhook, now: datetime, expected: int | None = None) -> None:
    """Remove it with what it still had to deliver."""
    _require(actor, row)
    require_revision(row, expected)
    with transaction.atomic():
        audit.record(actor, "webhook.delete", row, before=snapshot(row), after=None, now=now)
        row.delete()


def mark_read(actor: Actor, now: datetime) -> int:
    """The person has seen all notices; returns how many were new."""
    with transaction.atomic():
        seen = queries.notices(actor).filter(read_at=None).update(read_at=now, updated_at=now)
        if seen:
            person = User.objects.get(pk=actor.user_id)
            audit.record(actor, "notices.read", person, before={"unread": seen}, after={"unread": 0}, now=now)
    return seen


def _require(actor: Actor, row: Webhook | None = None) -> None:
    if not actor.may(SCOPE) or not actor.has_role("user"):
        raise Forbidden("forbidden")
    if row is not None and not may_change(row, actor):
        raise Forbidden("forbidden")


def _cleaned(changes: Mapping[str, Any]) -> dict[str, Any]:
    cleaners = {"name": _name, "url": _url, "events": _events, "is_enabled": _yes_or_no}
    for key in changes:
        if key not in cleaners:
            raise invalid(f"/{key}", "unknown_choice", value=key[:80])
    return {key: cleaners[key](value) for key, value in changes.items()}


def _name(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= 100 or not value.isprintable():
        raise invalid("/name", "required")
    return value.strip()


def _url(value: Any) -> str:
    if not isinstance(value, str):
        raise invalid("/url", "webhook_not_an_address")
    try:
        addresses.check(value)
    except addresses.AddressRefused as refusal:
        raise invalid("/url", refusal.code) from None
    return value


def _events(value: Any) -> list[str]:
    if not isinstance(value, (list, tuple)) or not value:
        raise invalid("/events", "required")
    for item in value:
        if item not in EVENTS:
            raise invalid("/events", "unknown_choice", value=str(item)[:80])
    return sorted(set(value))


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise invalid("/is_enabled", "unknown_choice", value=str(value)[:80])
    return value
