"""Who watches what, and how it reaches them. One event loop, no channel layer.

State topics (`overview`, `rack:<uid>`, `node:<uid>`) carry frames: a mailbox holds one per topic and the
latest wins. Stream topics (`job:<uid>`) carry ordered JSON events; those that no longer fit are counted and
told as a gap, after which the page reads REST once. Apps add topics at start by `register_topic`.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from dcportal.common.actors import Actor
from monitoring.frames import Frame

MAX_EVENTS = 256
MAX_TOPICS_PER_BROWSER = 64

Authorise = Callable[[Actor, str], bool]
Snapshot = Callable[[Actor, str], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Topic:
    """A kind of topic. `authorise(actor, key)` and `snapshot(actor, key)` may block and read the database;
    key is what follows the colon, empty for a topic without one."""

    name: str
    authorise: Authorise
    snapshot: Snapshot


_topics: dict[str, Topic] = {}


def register_topic(name: str, authorise: Authorise, snapshot: Snapshot) -> None:
    """Make `name` or `name:<key>` something browsers may subscribe to; called in AppConfig.ready."""
    _topics[name] = Topic(name, authorise, snapshot)


State = Callable[[str], dict[str, Any]]
_states: dict[str, list[State]] = {}


def add_state(name: str, state: State) -> None:
    """Have `state(key)` asked every few seconds while a topic `name` is watched, and sent when it changed.

    For what no sample tells, such as which GPU a job holds. It may block; called in AppConfig.ready.
    """
    _states.setdefault(name, []).append(state)


def states_of(name: str) -> list[State]:
    """What `add_state` was given for topics of this name."""
    return _states.get(name, [])


def find_topic(topic: str) -> tuple[Topic, str] | None:
    """The kind and key of a topic as a browser writes it, None for an unknown kind."""
    name, _, key = topic.partition(":")
    return (_topics[name], key) if name in _topics and len(topic) <= 128 else None


class Relay(Protocol):
    """Carries what is published to the other processes of the portal (Redis; not built yet)."""

    def frame(self, frame: Frame) -> None: ...

    def event(self, topic: str, event: dict[str, Any]) -> None: ...


@dataclass(slots=True)
class HubCounts:
    """For /metrics: nothing is dropped uncounted."""

    frames: int = 0
    events: int = 0
    delivered: int = 0
    replaced: int = 0  # frames that a newer one overtook before they were sent
    overflowed: int = 0  # events that did not fit any more
    stalled: int = 0  # browsers cut off because they did not read


class Mailbox:
    """What waits for one browser. Only touched by the hub's event loop."""

    def __init__(self, counts: HubCounts) -> None:
        self._counts = counts
        self._frames: dict[str, Frame] = {}
        self._events: deque[dict[str, Any]] = deque()
        self._ready = asyncio.Event()

    def put_frame(self, frame: Frame) -> None:
        self._counts.replaced += frame.topic in self._frames
        self._frames[frame.topic] = frame
        self._ready.set()

    def put_event(self, message: dict[str, Any]) -> None:
        if len(self._events) >= MAX_EVENTS:
            self._overflow()
        self._events.append(message)
        self._ready.set()

    def _overflow(self) -> None:
        """Replace what waits by one "gap" per topic: the page reads those again by REST."""
        self._counts.overflowed += len(self._events)
        topics = sorted({str(event.get("topic")) for event in self._events})
        self._events = deque({"type": "gap", "topic": topic} for topic in topics)

    def forget(self, topic: str) -> None:
        self._frames.pop(topic, None)
        self._events = deque(event for event in self._events if event.get("topic") != topic)

    async def take(self) -> tuple[list[dict[str, Any]], list[Frame]]:
        """Everything that waits, events first; waits until there is something."""
        await self._ready.wait()
        self._ready.clear()
        events, frames = list(self._events), list(self._frames.values())
        self._events.clear()
        self._frames.clear()
        return events, frames


class Hub:
    """Topics and their watchers in this process."""

    def __init__(self) -> None:
        self.counts = HubCounts()
        self.relay: Relay | None = None
        self._watchers: dict[str, set[Mailbox]] = {}
        self._mailboxes: set[Mailbox] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def mailbox(self) -> Mailbox:
        """A place for what one browser is to get; `drop` it when the browser is gone."""
        self._loop = asyncio.get_running_loop()
        mailbox = Mailbox(self.counts)
        self._mailboxes.add(mailbox)
        return mailbox

    def drop(self, mailbox: Mailbox) -> None:
        """Forget a browser and all its subscriptions."""
        self._mailboxes.discard(mailbox)
        for topic in [topic for topic, watchers in self._watchers.items() if mailbox in watchers]:
            self.unsubscribe(topic, mailbox)

    def subscribe(self, topic: str, mailbox: Mailbox) -> None:
        self._watchers.setdefault(topic, set()).add(mailbox)

    def unsubscribe(self, topic: str, mailbox: Mailbox) -> None:
        watchers = self._watchers.get(topic, set())
        watchers.discard(mailbox)
        mailbox.forget(topic)
        if not watchers:
            self._watchers.pop(topic, None)

    def watched(self, name: str) -> list[str]:
        """Topics called `name` or `name:<key>` that somebody watches."""
        return [topic for topic in self._watchers if topic == name or topic.startswith(f"{name}:")]

    def browsers(self) -> int:
        return len(self._mailboxes)

    def broadcast(self, message: dict[str, Any]) -> None:
        """A message about no topic, such as the pulse, to every browser."""
        for mailbox in self._mailboxes:
            mailbox.put_event(message)

    def publish_frame(self, frame: Frame) -> None:
        """Give a tick of a state topic to all who watch it."""
        self.counts.frames += 1
        for mailbox in self._watchers.get(frame.topic, ()):
            mailbox.put_frame(frame)
        if self.relay is not None:
            self.relay.frame(frame)

    def publish_event(self, topic: str, event: dict[str, Any]) -> None:
        """Give an event of a stream topic, in order; `event` should carry `seq`. Loop thread only."""
        self.counts.events += 1
        message = {"type": "event", "topic": topic, **event}
        for mailbox in self._watchers.get(topic, ()):
            mailbox.put_event(message)
        if self.relay is not None:
            self.relay.event(topic, event)

    def publish_from_thread(self, topic: str, event: dict[str, Any]) -> None:
        """`publish_event` for code that runs in a thread, such as an action; lost while nobody watches."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.publish_event, topic, event)


hub = Hub()
"""The hub of this process."""
