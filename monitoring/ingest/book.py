"""The nodes ingest knows: which are reporting, since when not, and what their hello said."""

import time
from dataclasses import dataclass, field
from datetime import datetime

from monitoring.ingest.ports import KnownNode
from monitoring.protocol import Hello, Process
from monitoring.store.layout import Layout

LIVE, STALE, LOST, UNKNOWN = "live", "stale", "lost", "unknown"
STALE_AFTER_SECONDS = 15.0
LOST_AFTER_SECONDS = 120.0


@dataclass(slots=True)
class LiveNode:
    """A node while this process runs. `seen` is monotonic; `last_seen_at` also spans restarts."""

    uid: str
    name: str
    rack: str | None = None
    is_simulated: bool = False
    liveness: str = UNKNOWN
    last_seen_at: datetime | None = None
    seen: float | None = None
    interval_seconds: float = 1.0
    memory_totals: dict[str, int] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    layout: Layout | None = None

    def touch(self, now: datetime) -> None:
        self.seen, self.last_seen_at = time.monotonic(), now

    def derived_liveness(self, now: datetime) -> str:
        """From the age of the last sample; slow agents get three of their own intervals."""
        if self.seen is not None:
            age = time.monotonic() - self.seen
        elif self.last_seen_at is not None:
            age = (now - self.last_seen_at).total_seconds()
        else:
            return UNKNOWN
        if age <= max(STALE_AFTER_SECONDS, 3 * self.interval_seconds):
            return LIVE
        return STALE if age <= max(LOST_AFTER_SECONDS, 10 * self.interval_seconds) else LOST

    def describe(self, hello: Hello) -> None:
        """Keep what live pages need of a hello."""
        self.interval_seconds = hello.interval_seconds
        totals = {each.uuid: each.memory_total_bytes or 0 for each in hello.facts.accelerators}
        self.memory_totals = {"": hello.facts.memory_total_bytes or 0, **totals}


class NodeBook:
    """Live nodes by uid."""

    def __init__(self) -> None:
        self.nodes: dict[str, LiveNode] = {}

    def refresh(self, known: list[KnownNode]) -> list[str]:
        """Take over the inventory's names and places; returns uids that are gone from it."""
        for row in known:
            node = self.nodes.setdefault(row.uid, LiveNode(row.uid, row.name))
            node.name, node.rack, node.is_simulated = row.name, row.rack, row.is_simulated
            if node.seen is None:
                node.liveness, node.last_seen_at = row.liveness, row.last_seen_at
        gone = sorted(set(self.nodes) - {row.uid for row in known})
        for uid in gone:
            del self.nodes[uid]
        return gone

    def admitted(self, uid: str, name: str, is_simulated: bool, hello: Hello) -> LiveNode:
        """The entry of a node whose hello was accepted."""
        node = self.nodes.setdefault(uid, LiveNode(uid, name))
        node.name, node.is_simulated = name, is_simulated
        node.describe(hello)
        return node

    def freshness(self, now: datetime) -> "Pulse":
        """How many agents report, of those that ever did, and the newest sample of all."""
        seen = [node for node in self.nodes.values() if node.last_seen_at is not None]
        live = sum(node.derived_liveness(now) == LIVE for node in seen)
        return Pulse(live, len(seen), self.newest())

    def newest(self) -> datetime | None:
        """When the last sample of all came."""
        nodes = list(self.nodes.values())
        return max((node.last_seen_at for node in nodes if node.last_seen_at), default=None)


@dataclass(frozen=True, slots=True)
class Pulse:
    """How many agents report, of those that ever did, and when the last sample came."""

    reporting: int
    agents: int
    newest: datetime | None
