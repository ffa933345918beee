"""Every few seconds: are tokens still good, which nodes fell silent, what changed in the inventory?"""

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dcportal.common.clock import utcnow
from dcportal.common.db import in_thread
from monitoring import protocol
from monitoring.hub import states_of
from monitoring.ingest.book import LIVE, LiveNode

if TYPE_CHECKING:
    from monitoring.ingest.service import Ingest

STATE_TOPICS = ("overview", "rack", "node")
SWEEP_SECONDS = 4.0  # a revoked token must be out within 5
HEARTBEAT = timedelta(seconds=15)  # processes that are not ingest learn from it how fresh telemetry is


class Sweeps:
    """The slow loop of ingest."""

    def __init__(self, ingest: "Ingest") -> None:
        self.ingest = ingest
        self._heartbeat_at: datetime | None = None
        self._told: dict[tuple[str, int], dict[str, Any]] = {}

    async def run(self) -> None:
        while True:
            await self.once()
            await asyncio.sleep(SWEEP_SECONDS)

    async def once(self) -> None:
        """One round; tests call it instead of waiting."""
        await self._turn_out_the_revoked()
        for uid in self.ingest.book.refresh(await in_thread(self.ingest.door.nodes)):
            self.ingest.recorder.forget(uid)
        await self._note_liveness()
        await self._tell_states()
        self._pulse()

    async def _turn_out_the_revoked(self) -> None:
        held = [(c.token, node.uid) for c in self.ingest.connections for node in c.nodes.values()]
        if not held:
            return
        revoked = await in_thread(self.ingest.door.revoked, held)
        for connection in list(self.ingest.connections):
            if any((connection.token, node.uid) in revoked for node in connection.nodes.values()):
                connection.refuse("token_refused", protocol.CLOSE_TOKEN_REFUSED)

    async def _note_liveness(self) -> None:
        now = utcnow()
        for node in list(self.ingest.book.nodes.values()):
            liveness = node.derived_liveness(now)
            if liveness != node.liveness:
                self._tell(node, liveness)
                node.liveness = liveness
                await in_thread(self.ingest.door.note_liveness, node.uid, liveness, node.last_seen_at, now)
        if self._heartbeat_at is None or now - self._heartbeat_at >= HEARTBEAT:
            self._heartbeat_at = now
            live = [node.uid for node in self.ingest.book.nodes.values() if node.liveness == LIVE]
            await in_thread(self.ingest.door.note_heartbeats, live, now)

    async def _tell_states(self) -> None:
        """What higher apps add to watched topics, when it changed."""
        watched = [topic for name in STATE_TOPICS for topic in self.ingest.hub.watched(name)]
        told, self._told = self._told, {}
        for topic in watched:
            name, _, key = topic.partition(":")
            for number, state in enumerate(states_of(name)):
                message = await in_thread(state, key)
                self._told[topic, number] = message
                if message != told.get((topic, number)):
                    self.ingest.hub.publish_event(topic, {"kind": "state", **message})

    def _tell(self, node: LiveNode, liveness: str) -> None:
        seen = node.last_seen_at.timestamp() if node.last_seen_at else None
        message = {"kind": "liveness", "node": node.uid, "liveness": liveness, "last_seen": seen}
        for topic in ("overview", f"rack:{node.rack}", f"node:{node.uid}"):
            self.ingest.hub.publish_event(topic, message)

    def _pulse(self) -> None:
        """How fresh telemetry is, for the foot of every page."""
        fresh = self.ingest.book.freshness(utcnow())
        newest = fresh.newest.timestamp() if fresh.newest else None
        agents = {"reporting": fresh.reporting, "total": fresh.agents}
        self.ingest.hub.broadcast({"type": "pulse", "newest": newest, "agents": agents})
