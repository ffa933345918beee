"""The hub: the latest frame wins, events keep their order, what is lost is counted."""

import asyncio

import numpy as np
import pytest

from monitoring import hub as hub_module
from monitoring.frames import Frame, Legend
from monitoring.hub import MAX_EVENTS, Hub, find_topic, register_topic


def frame(topic: str, seq: int) -> Frame:
    return Frame(topic, seq, seq, Legend(()), np.empty((0, 5), np.float32))


async def test_a_slow_reader_gets_only_the_latest_frame_of_each_topic() -> None:
    hub = Hub()
    slow = hub.mailbox()
    for topic in ("overview", "node:a"):
        hub.subscribe(topic, slow)
        for seq in range(100):
            hub.publish_frame(frame(topic, seq))
    _, frames = await slow.take()
    assert [(each.topic, each.seq) for each in frames] == [("overview", 99), ("node:a", 99)]
    assert hub.counts.replaced == 198


async def test_a_slow_reader_costs_the_others_nothing() -> None:
    hub = Hub()
    slow, quick = hub.mailbox(), hub.mailbox()
    hub.subscribe("overview", slow)
    hub.subscribe("overview", quick)
    seen = []
    for seq in range(5):
        hub.publish_frame(frame("overview", seq))
        seen += [each.seq for each in (await quick.take())[1]]
    assert seen == [0, 1, 2, 3, 4]


async def test_events_keep_their_order() -> None:
    hub = Hub()
    mailbox = hub.mailbox()
    hub.subscribe("job:a", mailbox)
    for seq in range(50):
        hub.publish_event("job:a", {"seq": seq})
    events, _ = await mailbox.take()
    assert [event["seq"] for event in events] == list(range(50))
    assert events[0] == {"type": "event", "topic": "job:a", "seq": 0}


async def test_events_that_do_not_fit_become_a_counted_gap() -> None:
    hub = Hub()
    mailbox = hub.mailbox()
    hub.subscribe("job:a", mailbox)
    for seq in range(MAX_EVENTS + 10):
        hub.publish_event("job:a", {"seq": seq})
    events, _ = await mailbox.take()
    assert events[0] == {"type": "gap", "topic": "job:a"}
    assert events[-1]["seq"] == MAX_EVENTS + 9
    assert hub.counts.overflowed == MAX_EVENTS


async def test_after_unsubscribing_nothing_of_the_topic_arrives() -> None:
    hub = Hub()
    mailbox = hub.mailbox()
    hub.subscribe("job:a", mailbox)
    hub.publish_event("job:a", {"seq": 1})
    hub.publish_frame(frame("job:a", 1))
    hub.unsubscribe("job:a", mailbox)
    hub.publish_event("job:a", {"seq": 2})
    hub.subscribe("job:b", mailbox)
    hub.publish_event("job:b", {"seq": 3})
    events, frames = await mailbox.take()
    assert ([event["seq"] for event in events], frames) == ([3], [])
    assert hub.watched("job") == ["job:b"]


async def test_a_thread_can_publish() -> None:
    hub = Hub()
    mailbox = hub.mailbox()
    hub.subscribe("job:a", mailbox)
    await asyncio.to_thread(hub.publish_from_thread, "job:a", {"seq": 1})
    events, _ = await asyncio.wait_for(mailbox.take(), 5)
    assert events[0]["seq"] == 1


def test_topics_are_found_by_name_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "_topics", {})
    register_topic("job", lambda actor, key: True, lambda actor, key: None)
    topic, key = find_topic("job:abc") or (None, None)
    assert topic is not None
    assert (topic.name, key) == ("job", "abc")
    assert find_topic("jobs:abc") is None
    assert find_topic("job:" + "x" * 500) is None
