"""Putting messages into the outbox, in the transaction that makes them true."""

from datetime import datetime
from typing import Any

from dcportal.accounts.models import Team, User
from dcportal.common.changes import create
from dcportal.notify.models import Delivery, Notice, Webhook

EVENTS = ("job.ended",)


def put(
    *, event: str, team: Team, owner: User, subject_uid: str, payload: dict[str, Any], now: datetime
) -> None:
    """Tell `owner`'s pages, and the webhooks of `team` that want this event."""
    create(Notice(user=owner, event=event, subject_uid=subject_uid, payload=payload), now)
    for webhook in Webhook.objects.filter(team=team, is_enabled=True):
        if event in webhook.events:
            message = Delivery(
                webhook=webhook, event=event, subject_uid=subject_uid, payload=payload, next_at=now
            )
            create(message, now)
