"""The door to the inventory: who may write, and what the inventory is told."""

import contextlib
from collections.abc import Collection, Iterable
from datetime import datetime

from dcportal.common.problems import NotFound
from dcportal.common.tokens import digest_of
from dcportal.inventory import actions as inventory
from dcportal.inventory.introductions import HelloResult
from dcportal.inventory.models import Node
from dcportal.inventory.models.nodes import Admission, Lifecycle
from monitoring import actions
from monitoring.ingest.ports import KnownNode
from monitoring.protocol import Event, Hello, Process


class InventoryDoor:
    """`Door` on the inventory's tables."""

    def hello(self, token: str, hello: Hello, now: datetime) -> HelloResult:
        return inventory.node_hello(token, hello, now)

    def revoked(self, held: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        pairs = set(held)
        digests = {token: digest_of(token) for token, _ in pairs}
        good = Node.objects.filter(tokens__digest__in=digests.values(), tokens__revoked_at__isnull=True)
        allowed = set(good.exclude(admission=Admission.REVOKED).values_list("tokens__digest", "uid"))
        return {(token, uid) for token, uid in pairs if (digests[token], uid) not in allowed}

    def nodes(self) -> list[KnownNode]:
        rows = Node.objects.exclude(lifecycle=Lifecycle.RETIRED).exclude(admission=Admission.REVOKED)
        columns = ("uid", "name", "rack__uid", "is_simulated", "liveness", "last_seen_at")
        return [KnownNode(*row) for row in rows.values_list(*columns)]

    def note_liveness(self, uid: str, liveness: str, last_seen_at: datetime | None, now: datetime) -> None:
        with contextlib.suppress(NotFound):  # deleted a moment ago; the next sweep drops it from the book
            inventory.set_liveness(uid, liveness, last_seen_at, now)

    def note_heartbeats(self, uids: Collection[str], now: datetime) -> None:
        inventory.note_heartbeats(uids, now)

    def note_processes(self, uid: str, processes: list[Process], now: datetime) -> None:
        actions.note_processes(uid, processes, now)

    def note_event(self, uid: str, event: Event, at: datetime) -> None:
        actions.note_hardware_event(uid, event, at)
