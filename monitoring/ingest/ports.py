"""What ingest needs to know of the rest of the portal; tests put a fake in its place."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dcportal.inventory.introductions import HelloResult
from monitoring.protocol import Event, Hello, Process


@dataclass(frozen=True, slots=True)
class KnownNode:
    """A node of the inventory, as live pages need it."""

    uid: str
    name: str
    rack: str | None = None
    is_simulated: bool = False
    liveness: str = "unknown"
    last_seen_at: datetime | None = None


class Door(Protocol):
    """Blocking calls; ingest makes them through `common.db.in_thread`."""

    def hello(self, token: str, hello: Hello, now: datetime) -> HelloResult:
        """Admit or refuse a node."""
        ...

    def revoked(self, held: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Of the (token, node uid) pairs in use, those that may not write any more."""
        ...

    def nodes(self) -> list[KnownNode]:
        """Every node of the inventory that can send telemetry."""
        ...

    def note_liveness(
        self, uid: str, liveness: str, last_seen_at: datetime | None, now: datetime
    ) -> None: ...

    def note_heartbeats(self, uids: Collection[str], now: datetime) -> None: ...

    def note_processes(self, uid: str, processes: list[Process], now: datetime) -> None: ...

    def note_event(self, uid: str, event: Event, at: datetime) -> None: ...
