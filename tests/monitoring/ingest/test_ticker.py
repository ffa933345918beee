"""Frames are made for topics that somebody watches, once per second, from whole seconds."""

import numpy as np

from monitoring.frames import unpack
from monitoring.hub import Mailbox
from monitoring.ingest.service import Ingest
from tests.monitoring.ingest.fakes import FakeAgent, this_second


async def fed(ingest: Ingest, topic: str) -> tuple[Mailbox, int]:
    now = this_second()
    async with FakeAgent() as agent:
        await agent.greet()
        for second in range(now - 6, now + 1):
            agent.sample(second + 0.2, [second % 7, 8_000, 1000])
        await agent.acked(7)
    mailbox = ingest.hub.mailbox()
    ingest.hub.subscribe(topic, mailbox)
    return mailbox, now


async def test_a_node_topic_carries_all_its_series(ingest: Ingest) -> None:
    mailbox, now = await fed(ingest, "node:node1")
    await ingest.ticker.once(now + 1)
    _, frames = await mailbox.take()
    header, values = unpack(frames[0].full)
    assert header["t"] == now
    ids = [series["id"] for series in header["series"]]
    assert ids[:3] == ["node1/cpu_utilisation_ratio", "node1/memory_used_bytes", "node1/memory_used_ratio"]
    cpu = values.reshape(-1, header["columns"])[0]
    assert np.allclose(cpu, [second % 7 / 1000 for second in range(now - 4, now + 1)])


async def test_the_overview_waits_for_the_second_to_end(ingest: Ingest) -> None:
    mailbox, now = await fed(ingest, "overview")
    await ingest.ticker.once(now)
    assert (await mailbox.take())[1][0].newest == now - 1
    await ingest.ticker.once(now + 1)
    assert (await mailbox.take())[1][0].newest == now


async def test_nothing_new_makes_no_frame(ingest: Ingest) -> None:
    mailbox, now = await fed(ingest, "node:node1")
    await ingest.ticker.once(now + 1)
    await ingest.ticker.once(now + 2)
    await mailbox.take()
    assert ingest.hub.counts.frames == 1


async def test_nobody_watching_makes_no_frame(ingest: Ingest) -> None:
    mailbox, now = await fed(ingest, "node:node1")
    ingest.hub.unsubscribe("node:node1", mailbox)
    await ingest.ticker.once(now + 1)
    assert ingest.hub.counts.frames == 0


async def test_a_rack_shows_only_its_own_nodes(ingest: Ingest) -> None:
    mailbox, now = await fed(ingest, "rack:r1")
    await ingest.ticker.once(now + 1)
    assert ingest.hub.counts.frames == 0
    ingest.book.nodes["node1"].rack = "r1"
    await ingest.ticker.once(now + 1)
    assert len((await mailbox.take())[1]) == 1
