"""The live ticker: one frame per topic and second, made only for topics that somebody watches."""

import asyncio
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from monitoring.frames import Frame
from monitoring.ingest.book import LiveNode
from monitoring.live import OVERVIEW_METRICS, Selection, frame, select
from monitoring.store.ring import NodeRing

if TYPE_CHECKING:
    from monitoring.ingest.service import Ingest

NODE_TICK_SECONDS = 0.1  # a node's page follows its samples at this distance
LARGE_FRAME_BYTES = 64 * 1024  # packed and compressed in a thread from here on


class Ticker:
    """Node topics follow their node's samples; overview and racks tick once a second."""

    def __init__(self, ingest: "Ingest") -> None:
        self.ingest, self.hub = ingest, ingest.hub
        self._sequence = 0
        self._sent: dict[str, int] = {}
        self._selections: dict[tuple[str, bytes, bool], Selection] = {}

    async def run(self) -> None:
        while True:
            await asyncio.sleep(NODE_TICK_SECONDS)
            await self.once(int(time.time()))

    async def once(self, now: int) -> None:
        """Publish every watched topic that has something new."""
        for topic in self.hub.watched("node"):
            node = self.ingest.book.nodes.get(topic.partition(":")[2])
            await self._publish(topic, [node] if node else [], None, None)
        wide = [*self.hub.watched("overview"), *self.hub.watched("rack")]
        for topic in wide:
            await self._publish(topic, self._of(topic), OVERVIEW_METRICS, now)
        for topic in set(self._sent) - set(wide) - set(self.hub.watched("node")):
            del self._sent[topic]

    def forget_selection(self, uid: str) -> None:
        """A new hello may bring other memory sizes or entities."""
        self._selections = {key: chosen for key, chosen in self._selections.items() if key[0] != uid}

    def _of(self, topic: str) -> list[LiveNode]:
        nodes = self.ingest.book.nodes.values()
        rack = topic.partition(":")[2]
        return sorted((n for n in nodes if not rack or n.rack == rack), key=lambda node: node.name)

    async def _publish(
        self, topic: str, nodes: Iterable[LiveNode], metrics: set[str] | None, now: int | None
    ) -> None:
        parts = [part for node in nodes if (part := self._part(node, metrics)) is not None]
        newest = max((ring.newest for ring, _ in parts), default=0)
        if now is not None:
            # Whole seconds only: of the second that is still arriving most nodes would be missing.
            newest = min(newest, now - 1)
        if not parts or newest <= self._sent.get(topic, 0):
            return
        self._sent[topic] = newest
        self._sequence += 1
        made = frame(topic, self._sequence, newest, parts)
        if made.values.nbytes > LARGE_FRAME_BYTES:
            await asyncio.to_thread(_prepare, made)
        self.hub.publish_frame(made)

    def _part(self, node: LiveNode, metrics: set[str] | None) -> tuple[NodeRing, Selection] | None:
        ring = self.ingest.recorder.ring(node.uid)
        if ring is None or ring.newest == 0:
            return None
        key = (node.uid, ring.layout.id, metrics is None)
        if key not in self._selections:
            self._selections[key] = select(node.uid, ring.layout, node.memory_totals, metrics)
        return ring, self._selections[key]


def _prepare(made: Frame) -> None:
    """Fill the frame's caches; it is the same bytes object for everybody afterwards."""
    _ = made.brief
