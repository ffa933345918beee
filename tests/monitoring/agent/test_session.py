"""One connection: live before old, acknowledgements counted, refusals named. The other side is scripted."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import pytest

from monitoring import protocol
from monitoring.agent.buffer import Buffer
from monitoring.agent.layouts import Layouts
from monitoring.agent.segments import Frame
from monitoring.agent.session import Refused, Session
from monitoring.agent.spill import Spill
from monitoring.agent.station import Station
from monitoring.protocol import (
    Ack,
    ColumnGroup,
    Error,
    HelloReply,
    NodeFacts,
    Processes,
    ProtocolError,
    Sample,
)
from tests.monitoring.agent.helpers import HandClock

FACTS = NodeFacts(hostname="h", machine_id="m", boot_id="boot-2")
GROUPS = [ColumnGroup("", ["cpu_utilisation_ratio"])]


class Link:
    """What was sent, and what the other side has said."""

    def __init__(self) -> None:
        self.sent: list[protocol.FromAgent] = []
        self.incoming: deque[bytes] = deque()

    def send(self, message: bytes) -> None:
        self.sent.append(protocol.decode_from_agent(message))

    def recv(self, timeout: float | None = None) -> bytes:
        if not self.incoming:
            raise TimeoutError
        return self.incoming.popleft()

    def says(self, *messages: protocol.FromIngest) -> None:
        self.incoming.extend(protocol.encode(message) for message in messages)

    def take(self, kind: type) -> list:
        taken = [message for message in self.sent if isinstance(message, kind)]
        self.sent.clear()
        return taken


class Rig:
    """A session over a scripted link, with old frames on disk if wanted."""

    def __init__(self, tmp_path: Path, *, old: int = 0, rate: int | None = None) -> None:
        self.clock = HandClock()
        self.layouts = Layouts()
        self.spill = Spill(tmp_path / "unsent", self.layouts, max_frames=10_000)
        self._leave_old(old)
        self.buffer = Buffer(self.spill)
        self.station = Station(
            self.layouts, collector="real", interval_seconds=1.0, memory=tmp_path / "uids.json"
        )
        self.layout = self.station.introduce(0, FACTS, GROUPS)
        self.link = Link()
        self.seq = 1000
        self.session = Session(
            self.link,
            station=self.station,
            buffer=self.buffer,
            layouts=self.layouts,
            spill=self.spill,
            clock=self.clock,
            replay_frames_per_second=rate,
        )

    def _leave_old(self, count: int) -> None:
        old = self.layouts.declare(0, "boot-1", GROUPS)
        frames = [
            Frame(seq, 0.0, 0, old.layout, protocol.encode(Sample(0, old.layout, seq, seq, 0, [seq])))
            for seq in range(count)
        ]
        if frames:
            self.spill.append(frames)
            self.spill.next_id = count

    def greet(self) -> None:
        self.link.says(HelloReply(node=0, accepted=True, node_uid="abc123def456"))
        self.session.greet()
        self.link.sent.clear()

    def tick(self) -> None:
        """Measure once and give the session its step."""
        self.seq += 1
        self.clock.advance(1.0)
        sample = Sample(0, self.layout.layout, self.seq, 0, 0, [1])
        self.buffer.put(0, self.layout.layout, protocol.encode(sample), self.clock.monotonic())
        self.session.step()


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_a_hello_comes_first_and_its_uid_is_remembered(rig, tmp_path):
    rig.link.says(HelloReply(node=0, accepted=True, node_uid="abc123def456"))
    rig.session.greet()
    (hello,) = rig.link.sent
    assert (hello.facts, hello.node_uid, hello.collector) == (FACTS, None, "real")
    assert rig.station.hellos()[0].node_uid == "abc123def456"
    later = Station(Layouts(), collector="real", interval_seconds=1.0, memory=tmp_path / "uids.json")
    later.introduce(0, FACTS, GROUPS)
    assert later.hellos()[0].node_uid == "abc123def456"


def test_no_answer_to_the_hello_is_a_timeout(rig):
    with pytest.raises(TimeoutError):
        rig.session.greet()


@pytest.mark.parametrize("code", ["token_refused", "node_refused", "schema_unsupported"])
def test_a_refusal_carries_its_code(rig, code):
    rig.link.says(HelloReply(node=0, accepted=False, code=code, retry_after_seconds=7.0))
    with pytest.raises(Refused) as caught:
        rig.session.greet()
    assert (caught.value.code, caught.value.retry_after_seconds) == (code, 7.0)


def test_an_ack_forgets_exactly_the_frames_it_counts(rig):
    rig.greet()
    for _ in range(3):
        rig.tick()
    rig.link.says(Ack(frames=2))
    rig.tick()
    assert rig.buffer.pending == 2


def test_an_ack_for_more_than_was_sent_is_an_error(rig):
    rig.greet()
    rig.link.says(Ack(frames=99))
    with pytest.raises(ProtocolError):
        rig.tick()


def test_acks_that_repeat_or_go_back_change_nothing(rig):
    rig.greet()
    rig.tick()
    rig.tick()
    rig.link.says(Ack(frames=2), Ack(frames=2), Ack(frames=1))
    rig.tick()
    assert rig.session.acked_frames == 2
    assert rig.buffer.pending == 1


def test_live_frames_go_before_old_ones(tmp_path):
    rig = Rig(tmp_path, old=50, rate=10)
    rig.greet()
    rig.tick()
    assert [sample.seq for sample in rig.link.take(Sample)] == [1001, *range(10)]


def test_replay_keeps_to_its_rate_and_ends(tmp_path):
    rig = Rig(tmp_path, old=50, rate=10)
    rig.greet()
    replayed = []
    for _ in range(8):
        rig.tick()
        samples = rig.link.take(Sample)
        rig.link.says(Ack(frames=rig.session.acked_frames + len(rig.session._in_flight)))
        assert len(samples) <= 11
        replayed += [sample.seq for sample in samples if sample.seq < 1000]
    assert replayed == list(range(50))
    rig.tick()
    assert rig.spill.pending == 0


def test_replay_waits_while_nothing_is_acknowledged(tmp_path):
    rig = Rig(tmp_path, old=500, rate=10)
    rig.greet()
    for _ in range(20):
        rig.tick()
    old = [sample for sample in rig.link.take(Sample) if sample.seq < 1000]
    assert len(old) <= 20


def test_the_rate_is_what_ingest_asks_for(tmp_path):
    rig = Rig(tmp_path, old=50)
    rig.link.says(HelloReply(node=0, accepted=True, replay_frames_per_second=3))
    rig.session.greet()
    rig.link.sent.clear()
    rig.tick()
    assert len([sample for sample in rig.link.take(Sample) if sample.seq < 1000]) == 3


def test_an_old_layout_is_declared_once_before_its_first_sample(tmp_path):
    rig = Rig(tmp_path, old=5, rate=2)
    rig.greet()
    for _ in range(4):
        rig.tick()
    kinds = [type(message).__name__ for message in rig.link.sent]
    assert kinds.count("Layout") == 1
    layout = next(message for message in rig.link.sent if isinstance(message, protocol.Layout))
    assert layout.boot_id == "boot-1"
    first_old = next(
        n for n, m in enumerate(rig.link.sent) if isinstance(m, Sample) and m.layout == layout.layout
    )
    assert kinds.index("Layout") < first_old


def test_changed_facts_are_said_again_on_the_same_connection(rig):
    rig.greet()
    rig.station.introduce(0, FACTS, [ColumnGroup("", ["load_average_1m"])])
    rig.link.says(HelloReply(node=0, accepted=True))
    rig.tick()
    (hello,) = rig.link.take(protocol.Hello)
    assert hello.layout.columns() == [("", "load_average_1m")]


def test_processes_are_sent_when_they_change_and_not_again(rig):
    rig.greet()
    processes = Processes(node=0, boot_id="boot-2", monotonic_ms=1, wall_ms=1, processes=[])
    rig.station.set_processes(0, processes)
    rig.tick()
    rig.tick()
    assert rig.link.take(Processes) == [processes]


def test_a_refused_frame_counts_as_dealt_with(rig):
    rig.greet()
    rig.tick()
    rig.link.says(Error(code="values_mismatch", frame=1), Ack(frames=1))
    rig.tick()
    assert rig.buffer.pending == 1


def test_an_error_about_the_connection_ends_it(rig):
    rig.greet()
    rig.link.says(Error(code="storage_full"))
    with pytest.raises(Refused):
        rig.tick()


def test_nonsense_from_the_other_side_is_a_protocol_error(rig):
    rig.link.incoming.append(b"\xc1nonsense")
    with pytest.raises(ProtocolError):
        rig.session.greet()
