"""`/ws/agent/`: refusals first, then what a good agent gets."""

import asyncio
import json
import os
from pathlib import Path

import numpy as np
import pytest

from dcportal.common.clock import utcnow
from monitoring import protocol
from monitoring.ingest import service
from monitoring.ingest.connection import Receipts
from monitoring.ingest.service import Ingest
from monitoring.protocol import Ack, Error, HelloReply, Layout, Process, Processes
from monitoring.store import journal
from tests.monitoring.ingest.fakes import GROUPS, FakeAgent, FakeDoor, hello, this_second

# Refusals


async def test_no_token_no_entry() -> None:
    async with FakeAgent(token=None) as agent:
        assert await agent.answer() == Error(code="token_refused")
        assert await agent.answer() == protocol.CLOSE_TOKEN_REFUSED


async def test_an_unknown_token_is_refused_at_hello(ingest: Ingest) -> None:
    async with FakeAgent("guessed") as agent:
        reply = await agent.greet()
        assert (reply.accepted, reply.code) == (False, "token_refused")
        assert await agent.answer() == protocol.CLOSE_TOKEN_REFUSED
    assert ingest.recorder.nodes() == []


async def test_a_token_cannot_speak_for_a_foreign_node(ingest: Ingest) -> None:
    async with FakeAgent("other") as agent:
        reply = await agent.greet("node1")
        assert (reply.accepted, reply.code) == (False, "node_refused")
        assert await agent.answer() == protocol.CLOSE_NODE_REFUSED


async def test_readings_of_a_foreign_gpu_are_left_out(ingest: Ingest, door: FakeDoor) -> None:
    door.foreign.add("GPU-a")
    async with FakeAgent() as agent:
        await agent.greet()
        agent.sample(this_second())
        await agent.acked(1)
    ring = ingest.recorder.ring("node1")
    assert ring is not None
    assert {column.entity for column in ring.layout.columns} == {""}


async def test_a_web_process_sends_agents_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCP_ROLE", "web")
    monkeypatch.setattr(service._holder, "ingest", None)
    async with FakeAgent() as agent:
        assert await agent.answer() == Error(code="not_holder")
        assert await agent.answer() == protocol.CLOSE_NOT_HOLDER


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\xff" * 100, os.urandom(200), "not json", "{}", "[" * 5000, b"\x90", '{"type":"hello"}'],
)
async def test_garbage_is_closed_with_a_clear_code(ingest: Ingest, garbage: bytes | str) -> None:
    async with FakeAgent() as agent:
        agent.send(garbage)
        message = await agent.answer()
        assert isinstance(message, Error)
        assert message.code in {"frame_malformed", "layout_malformed"}
        assert await agent.answer() == protocol.CLOSE_BAD_MESSAGE


async def test_a_frame_beyond_256_kib_is_refused(ingest: Ingest) -> None:
    async with FakeAgent() as agent:
        agent.send(b"\x90" * (protocol.MAX_FRAME_BYTES + 1))
        assert await agent.answer() == Error(code="frame_too_large")
        assert await agent.answer() == protocol.CLOSE_BAD_MESSAGE


async def test_another_schema_is_named(ingest: Ingest) -> None:
    async with FakeAgent() as agent:
        raw = json.loads(json.dumps(msg(hello())))
        agent.send(json.dumps({**raw, "schema": 99}))
        assert await agent.answer() == Error(code="schema_unsupported")


async def test_a_sample_before_hello_is_refused_and_the_socket_stays(ingest: Ingest) -> None:
    async with FakeAgent() as agent:
        agent.sample(this_second())
        assert await agent.answer() == Error(code="hello_missing", frame=1)
        await agent.acked(1)
        assert (await agent.greet()).accepted


@pytest.mark.parametrize(
    ("values", "layout", "code"), [([1], 0, "values_mismatch"), (None, 9, "layout_unknown")]
)
async def test_a_sample_that_does_not_fit_is_named_and_acknowledged(
    ingest: Ingest, values: list[int | None] | None, layout: int, code: str
) -> None:
    async with FakeAgent() as agent:
        await agent.greet()
        agent.sample(this_second(), values, layout=layout)
        assert await agent.answer() == Error(code=code, frame=1)  # type: ignore[arg-type]
        await agent.acked(1)


async def test_a_full_disk_acknowledges_nothing(ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    async with FakeAgent() as agent:
        await agent.greet()
        monkeypatch.setattr(journal, "_write_all", full)
        agent.sample(this_second())
        assert await agent.answer() == Error(code="storage_full")
        assert await agent.answer() == protocol.CLOSE_RESTARTING


async def test_a_revoked_token_is_out_after_the_next_sweep(ingest: Ingest, door: FakeDoor) -> None:
    async with FakeAgent() as agent:
        await agent.greet()
        door.tokens.clear()
        await ingest.sweeps.once()
        assert await agent.answer() == Error(code="token_refused")
        assert await agent.answer() == protocol.CLOSE_TOKEN_REFUSED


# What a good agent gets


async def test_samples_are_acknowledged_and_live(ingest: Ingest) -> None:
    now = this_second()
    async with FakeAgent() as agent:
        assert (await agent.greet()).node_uid == "node1"
        for second in range(now - 4, now + 1):
            agent.sample(second + 0.1)
        await agent.acked(5)
    ring = ingest.recorder.ring("node1")
    assert ring is not None
    assert ring.read(now - 4, now + 1)[2].tolist() == [120_000] * 5


async def test_an_ack_means_it_is_in_the_journal(ingest: Ingest, tmp_path: Path) -> None:
    async with FakeAgent() as agent:
        await agent.greet()
        agent.sample(this_second())
        await agent.acked(1)
        rows = list(journal.Journal(tmp_path / "telemetry" / "journal").replay())
        assert sum(isinstance(row, journal.SampleRecord) for row in rows) == 1


async def test_keyed_json_is_accepted_too(ingest: Ingest) -> None:
    async with FakeAgent() as agent:
        agent.send(json.dumps(msg(hello())))
        assert isinstance(await agent.answer(), HelloReply)
        fields = {"type": "sample", "node": 0, "layout": 0, "seq": 1, "monotonic_ms": 1000}
        agent.send(json.dumps({**fields, "wall_ms": this_second() * 1000, "values": [1, None, 3]}))
        await agent.acked(1)


async def test_missing_readings_stay_missing(ingest: Ingest) -> None:
    async with FakeAgent() as agent:
        await agent.greet()
        agent.sample(this_second(), [None, 5, None])
        await agent.acked(1)
    answer = ingest.reader.query(
        ["node1"], "cpu_utilisation_ratio", this_second() - 5, this_second() + 1, 100, this_second()
    )
    assert np.isnan(answer.series["node1"].mean).all()


async def test_the_same_second_twice_is_stored_once(ingest: Ingest) -> None:
    now = this_second()
    for _ in range(2):
        async with FakeAgent() as agent:
            await agent.greet()
            agent.sample(now)
            await agent.acked(1)
    ring = ingest.recorder.ring("node1")
    assert ring is not None
    assert ring.duplicates == 1


async def test_one_agent_may_speak_for_several_nodes(ingest: Ingest) -> None:
    async with FakeAgent() as agent:
        await agent.greet("node1")
        await agent.greet("node2", ref=1, collector="simulated")
        agent.sample(this_second())
        agent.send(Layout(node=1, layout=0, boot_id="boot-1", groups=GROUPS))
        agent.sample(this_second(), node=1)
        await agent.acked(3)
    assert sorted(ingest.recorder.nodes()) == ["node1", "node2"]
    assert ingest.book.nodes["node2"].is_simulated
    assert not ingest.book.nodes["node1"].is_simulated


async def test_a_replay_from_an_earlier_boot_does_not_disturb_live(ingest: Ingest) -> None:
    now = this_second()
    async with FakeAgent() as agent:
        await agent.greet()
        agent.sample(now)
        agent.send(Layout(node=0, layout=7, boot_id="boot-0", groups=GROUPS))
        agent.sample(now - 3600, layout=7, monotonic_ms=5)
        await agent.acked(3)
    ring = ingest.recorder.ring("node1")
    assert ring is not None
    assert (ring.boot, ring.newest) == ("boot-1", now)
    await asyncio.to_thread(ingest.recorder._backfill.take)


async def test_processes_and_events_reach_the_door(ingest: Ingest, door: FakeDoor) -> None:
    process = Process(pid=7, accelerator="GPU-a", user="ann", memory_bytes=5)
    stamp = {"node": 0, "boot_id": "boot-1", "monotonic_ms": 5, "wall_ms": this_second() * 1000}
    async with FakeAgent() as agent:
        await agent.greet()
        agent.send(Processes(processes=[process], **stamp))
        agent.send(protocol.Event(kind="xid", entity="GPU-a", params={"xid": 79}, **stamp))
        await agent.acked(2)
    assert door.processes == [("node1", [process])]
    assert door.events[0][1].params == {"xid": 79}
    assert ingest.book.nodes["node1"].processes == [process]


async def test_a_clock_far_ahead_is_corrected_and_flagged(ingest: Ingest) -> None:
    async with FakeAgent() as agent:
        await agent.greet()
        agent.sample(this_second() + 3600)
        await agent.acked(1)
    ring = ingest.recorder.ring("node1")
    assert ring is not None
    assert abs(ring.newest - this_second()) <= 2
    assert ring.skew_milliseconds > 3_500_000


async def test_liveness_follows_the_samples(
    ingest: Ingest, door: FakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monitoring.ingest import book

    async with FakeAgent() as agent:
        await agent.greet()
        agent.sample(this_second())
        await agent.acked(1)
    await ingest.sweeps.once()
    monkeypatch.setattr(book, "STALE_AFTER_SECONDS", -1.0)
    ingest.book.nodes["node1"].interval_seconds = -1.0
    await ingest.sweeps.once()
    assert door.liveness == [("node1", "live"), ("node1", "stale")]
    assert ingest.book.freshness(utcnow()).reporting == 0


async def test_a_removed_node_leaves_the_live_view(ingest: Ingest, door: FakeDoor) -> None:
    async with FakeAgent() as agent:
        await agent.greet()
        agent.sample(this_second())
        await agent.acked(1)
    door.known.clear()
    await ingest.sweeps.once()
    assert ingest.recorder.ring("node1") is None


def test_an_ack_never_skips_an_unfinished_frame() -> None:
    receipts = Receipts()
    frames = [receipts.next() for _ in range(4)]
    for frame, done in ((frames[1], 0), (frames[2], 0), (frames[0], 3), (frames[3], 4)):
        receipts.finish(frame)
        assert receipts.done == done


async def test_acks_of_a_burst_come_together(ingest: Ingest) -> None:
    async with FakeAgent() as agent:
        await agent.greet()
        now = this_second()
        for second in range(now - 100, now):
            agent.sample(second)
        acks = []
        while not acks or acks[-1] != Ack(frames=100):
            acks.append(await agent.answer())
        assert len(acks) < 50


def msg(message: object) -> dict[str, object]:
    import msgspec

    return msgspec.json.decode(msgspec.json.encode(message))
