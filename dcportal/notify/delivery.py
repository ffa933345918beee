"""Delivering what waits in the outbox; the scheduler calls `Courier.pump` once a second.

Sending happens in threads that know no database, so a slow receiver delays nobody; a message whose result
was lost in a crash is sent again (receivers tell repeats by X-DCP-Delivery).
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta

from django.db import transaction

from dcportal.common import vault
from dcportal.notify.models import Delivery
from dcportal.notify.sending import Answer, Message, send

logger = logging.getLogger(__name__)
KEY = "webhook_secrets"
PARALLEL = 4
DELAYS = [timedelta(seconds=s) for s in (10, 30, 60, 300, 900, 3600, 10800, 21600)]
Send = Callable[[Message, int], Answer]


class Courier:
    """Messages on their way. Forgetting them is safe: they stay due."""

    def __init__(self, send_one: Send = send) -> None:
        self._send = send_one
        self._pool: ThreadPoolExecutor | None = None
        self._under_way: dict[int, Future[Answer]] = {}

    def pump(self, now: datetime) -> None:
        """Write down what came back and start what is due."""
        for pk, future in list(self._under_way.items()):
            if future.done():
                del self._under_way[pk]
                note(pk, future.result(), now)
        due = Delivery.objects.filter(next_at__lte=now, webhook__is_enabled=True)
        free = PARALLEL - len(self._under_way)
        for row in (
            due.exclude(pk__in=list(self._under_way)).select_related("webhook").order_by("next_at")[:free]
        ):
            self._start(row, now)

    def _start(self, row: Delivery, now: datetime) -> None:
        try:
            secret = vault.decrypt(row.webhook.ciphertext, KEY)
        except vault.Unreadable as error:
            note(row.pk, Answer(None, str(error)), now)
            return
        message = Message(row.uid, row.webhook.url, secret, row.event, row.payload)
        self._pool = self._pool or ThreadPoolExecutor(PARALLEL, "dcp-webhook")
        self._under_way[row.pk] = self._pool.submit(self._send, message, int(now.timestamp()))

    def wait(self) -> None:
        """Until all that is under way came back (tests)."""
        for future in self._under_way.values():
            future.result()


def note(pk: int, answer: Answer, now: datetime) -> None:
    """Delivered, to be tried again later, or given up after the last try."""
    with transaction.atomic():
        row = Delivery.objects.select_for_update().filter(pk=pk, delivered_at=None, given_up_at=None).first()
        if row is None:
            return
        changes: dict[str, object] = {"tries": row.tries + 1, "last_status": answer.status}
        changes |= {"last_error": answer.error[:300], "updated_at": now}
        if not answer.error:
            changes |= {"delivered_at": now, "next_at": None}
        elif row.tries < len(DELAYS):
            changes["next_at"] = now + DELAYS[row.tries]
        else:
            changes |= {"given_up_at": now, "next_at": None}
        Delivery.objects.filter(pk=pk).update(**changes)
