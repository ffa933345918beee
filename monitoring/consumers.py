"""`/ws/live/`: one socket per page. Origin is checked by the router, everything else here."""

import asyncio
import contextlib
import json
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer

from dcportal.accounts.sockets import actor_of_scope
from dcportal.common.actors import Actor
from dcportal.common.db import in_thread
from dcportal.common.text import unstorable
from monitoring.hub import MAX_TOPICS_PER_BROWSER, Mailbox, Topic, find_topic, hub

CLOSE_SIGNED_OUT = 4401
CLOSE_STALLED = 4408
RECHECK_SECONDS = 5.0
SEND_SECONDS = 10.0
MAX_MESSAGE_CHARACTERS = 4096


class LiveConsumer(AsyncWebsocketConsumer):
    """Subscriptions of one browser. Messages: see monitoring/README.md."""

    channel_layer_alias = None  # the hub delivers; a channel layer would scan every socket per message

    async def connect(self) -> None:
        self.actor: Actor | None = await in_thread(actor_of_scope, self.scope)
        self.topics: dict[str, tuple[Topic, str]] = {}
        self.layouts: dict[str, str] = {}
        self.stalled = False
        self.mailbox: Mailbox | None = None
        self.tasks: list[asyncio.Task[None]] = []
        await self.accept()
        if self.actor is None:
            return await self.close(CLOSE_SIGNED_OUT)
        self.mailbox = hub.mailbox()
        self.tasks = [asyncio.create_task(self._deliver(self.mailbox)), asyncio.create_task(self._recheck())]

    async def disconnect(self, code: int) -> None:
        for task in self.tasks:
            task.cancel()
        self._leave_all()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.actor is None or self.mailbox is None:
            return
        message = _parsed(text_data)
        if message is None:
            return await self._say({"type": "error", "code": "malformed_message"})
        topic = message["topic"]
        if message["type"] == "unsubscribe":
            return self._leave(topic)
        await self._join(topic, self.actor, self.mailbox)

    async def _join(self, name: str, actor: Actor, mailbox: Mailbox) -> None:
        self.layouts.pop(name, None)
        if name not in self.topics and len(self.topics) >= MAX_TOPICS_PER_BROWSER:
            return await self._say({"type": "denied", "topic": name, "code": "too_many_topics"})
        found = find_topic(name)
        if found is None or not await self._allowed(*found):
            return await self._say({"type": "denied", "topic": name, "code": "not_found"})
        # Subscribed before the snapshot is read, so that nothing falls between the two.
        self.topics[name] = found
        hub.subscribe(name, mailbox)
        await self._say({"type": "subscribed", "topic": name})
        snapshot = await in_thread(found[0].snapshot, actor, found[1])
        if snapshot is not None:
            await self._say({"type": "snapshot", "topic": name, **snapshot})

    def _leave(self, name: str) -> None:
        if self.topics.pop(name, None) is not None and self.mailbox is not None:
            hub.unsubscribe(name, self.mailbox)

    def _leave_all(self) -> None:
        self.topics.clear()
        if self.mailbox is not None:
            hub.drop(self.mailbox)

    async def _allowed(self, topic: Topic, key: str) -> bool:
        return bool(self.actor and await in_thread(topic.authorise, self.actor, key))

    async def _deliver(self, mailbox: Mailbox) -> None:
        while not self.stalled:
            events, frames = await mailbox.take()
            for event in events:
                await self._say(event)
            for frame in frames:
                known = self.layouts.get(frame.topic) == frame.legend.layout
                self.layouts[frame.topic] = frame.legend.layout
                await self._send(bytes_data=frame.bytes_for(known))

    async def _recheck(self) -> None:
        """While the socket is open: still signed in, still allowed to see each topic?"""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            self.actor = await in_thread(actor_of_scope, self.scope)
            if self.actor is None:
                return await self.close(CLOSE_SIGNED_OUT)
            for name, found in list(self.topics.items()):
                if not await self._allowed(*found):
                    self._leave(name)
                    await self._say({"type": "denied", "topic": name, "code": "not_found"})

    async def _say(self, message: dict[str, Any]) -> None:
        await self._send(text_data=json.dumps(message, separators=(",", ":"), default=str))

    async def _send(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Send, or give the browser up when it has not read for SEND_SECONDS."""
        if self.stalled:
            return
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self.send(text_data=text_data, bytes_data=bytes_data)
            hub.counts.delivered += 1
        except TimeoutError:
            self.stalled = True
            hub.counts.stalled += 1
            self._leave_all()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self.close(CLOSE_STALLED)


def _parsed(text: str | None) -> dict[str, str] | None:
    """A well-formed message of a browser, None for anything else."""
    if text is None or len(text) > MAX_MESSAGE_CHARACTERS:
        return None
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("type") not in ("subscribe", "unsubscribe"):
        return None
    topic = message.get("topic")
    return message if isinstance(topic, str) and not unstorable(topic) else None
