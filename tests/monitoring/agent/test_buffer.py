"""Memory, disk, caps: no frame goes unacknowledged and uncounted."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from monitoring import protocol
from monitoring.agent.buffer import Buffer
from monitoring.agent.layouts import Layouts
from monitoring.agent.replay import Replay
from monitoring.agent.spill import Spill
from monitoring.protocol import ColumnGroup, Event, Sample

GROUPS = [ColumnGroup("", ["cpu_utilisation_ratio"])]


class Store:
    """A buffer with its spill, as one run of an agent has them."""

    def __init__(
        self, folder: Path, *, boot: str = "boot-1", max_frames: int = 10_000, segment: int = 10
    ) -> None:
        self.layouts = Layouts()
        self.spill = Spill(folder, self.layouts, max_frames=max_frames, segment_frames=segment)
        self.spill.load()
        self.buffer = Buffer(self.spill)
        self.layout = self.layouts.declare(0, boot, GROUPS)

    def measure(self, seq: int, monotonic: float) -> None:
        sample = Sample(0, self.layout.layout, seq, int(monotonic * 1000), 0, [seq])
        self.buffer.put(0, self.layout.layout, protocol.encode(sample), monotonic)

    def tick(self, first: int, last: int) -> None:
        """Measure once a second, as the sampler does; the seq is the second."""
        for second in range(first, last + 1):
            self.measure(second, float(second))
            self.buffer.tend(float(second))

    def replayed(self, replay: Replay | None = None, most: int = 10_000) -> list[protocol.FromAgent]:
        frames = self.buffer.replayed(replay or Replay(self.spill, self.layouts), most, set())
        return [protocol.decode_from_agent(frame.payload) for frame in frames]

    def in_memory(self) -> list[int]:
        return [protocol.decode_from_agent(frame.payload).seq for frame in self.buffer.after(-1)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "unsent")


def seqs(messages: list[protocol.FromAgent]) -> list[int]:
    return [message.seq for message in messages if isinstance(message, Sample)]


def test_acknowledged_frames_are_forgotten(store):
    store.tick(1, 3)
    store.buffer.ack(frame.id for frame in store.buffer.after(-1)[:2])
    assert store.in_memory() == [3]
    assert store.buffer.pending == 1


def test_what_waits_longer_than_five_seconds_goes_to_disk(store):
    store.tick(1, 9)
    assert store.in_memory() == [5, 6, 7, 8, 9]
    assert seqs(store.replayed()) == [1, 2, 3, 4]
    assert store.buffer.pending == 9
    assert store.buffer.dropped == 0


def test_an_agent_that_stops_saves_everything_for_the_next_one(store, tmp_path):
    store.tick(1, 3)
    store.buffer.save(4.0)
    later = Store(tmp_path / "unsent", boot="boot-2")
    assert later.buffer.pending == 3
    assert seqs(later.replayed()) == [1, 2, 3]


def test_a_killed_agent_loses_at_most_what_was_in_memory(store, tmp_path):
    store.tick(1, 20)
    later = Store(tmp_path / "unsent")  # nobody called save
    assert seqs(later.replayed()) == list(range(1, 16))


def test_replayed_samples_carry_the_boot_they_were_measured_in(store, tmp_path):
    store.tick(1, 8)
    later = Store(tmp_path / "unsent", boot="boot-2")
    later.measure(1, 1.0)
    replayed = later.replayed()
    boots = {later.layouts.get(0, sample.layout).boot_id for sample in replayed}
    assert boots == {"boot-1"}
    assert replayed[0].layout != later.layout.layout


def test_events_are_spilled_and_replayed_too(store):
    event = Event(node=0, boot_id="boot-1", kind="xid", monotonic_ms=1, wall_ms=1, params={"xid": 79})
    store.buffer.put(0, None, protocol.encode(event), 1.0)
    store.tick(2, 8)
    assert event in store.replayed()


def test_a_segment_goes_when_its_last_frame_is_acknowledged(store, tmp_path):
    store.tick(1, 25)
    files = len(list((tmp_path / "unsent").iterdir()))
    frames = store.buffer.replayed(Replay(store.spill, store.layouts), 10, set())
    store.buffer.ack(frame.id for frame in frames)
    assert len(list((tmp_path / "unsent").iterdir())) == files - 1
    assert seqs(store.replayed()) == list(range(11, 21))


def test_frames_acknowledged_after_they_went_to_disk_are_not_replayed(store):
    store.tick(1, 3)
    sent = store.buffer.after(-1)
    store.tick(4, 12)
    store.buffer.ack([sent[0].id, sent[2].id])
    assert seqs(store.replayed()) == [2, 4, 5, 6, 7]


def test_frames_in_flight_are_not_replayed_on_the_same_connection(store):
    store.tick(1, 3)
    sent = {frame.id for frame in store.buffer.after(-1)}
    store.tick(4, 12)
    frames = store.buffer.replayed(Replay(store.spill, store.layouts), 100, sent)
    assert seqs([protocol.decode_from_agent(frame.payload) for frame in frames]) == [4, 5, 6, 7]


def test_a_replay_goes_on_where_it_stopped_and_sees_what_was_added(store):
    store.tick(1, 12)
    replay = Replay(store.spill, store.layouts)
    assert seqs(store.replayed(replay, most=4)) == [1, 2, 3, 4]
    store.tick(13, 40)
    assert seqs(store.replayed(replay, most=100)) == list(range(5, 36))
    assert store.replayed(replay) == []


def test_above_the_cap_the_oldest_go_and_are_counted(tmp_path):
    store = Store(tmp_path / "unsent", max_frames=30)
    store.tick(1, 105)
    assert store.buffer.dropped == 70
    assert seqs(store.replayed()) == list(range(71, 101))
    kinds = [happening.kind for happening in store.buffer.take_happenings(105.0)]
    assert kinds == ["frames_dropped"]


def test_drops_are_told_once_a_minute(tmp_path):
    store = Store(tmp_path / "unsent", max_frames=10)
    told = []
    for second in range(1, 130):
        store.tick(second, second)
        told += store.buffer.take_happenings(float(second))
    assert 2 <= len(told) <= 3
    assert sum(happening.params["frames"] for happening in told) <= store.buffer.dropped


@pytest.fixture
def full_disk(monkeypatch):
    """A disk without room, until `free()`."""
    real_write = os.write
    state = {"full": True}

    def write(file: int, data: bytes) -> int:
        if state["full"]:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(file, data)

    monkeypatch.setattr("monitoring.agent.segments.os.write", write)
    return lambda: state.update(full=False)


def test_on_a_full_disk_memory_holds_two_minutes_then_drops_and_counts(store, full_disk):
    store.tick(1, 150)
    assert store.in_memory() == list(range(31, 151))
    assert store.buffer.dropped == 30
    happenings = store.buffer.take_happenings(150.0)
    assert [happening.kind for happening in happenings] == ["spill_failed", "frames_dropped"]
    assert happenings[0].params == {"errno": errno.ENOSPC}


def test_when_the_disk_has_room_again_spilling_goes_on(store, full_disk, tmp_path):
    store.tick(1, 50)
    full_disk()
    store.tick(51, 70)
    assert store.in_memory() == [66, 67, 68, 69, 70]
    assert seqs(store.replayed()) == list(range(1, 66))
    assert [happening.kind for happening in store.buffer.take_happenings(70.0)] == [
        "spill_failed",
        "spill_back",
    ]


def test_half_a_write_leaves_no_torn_record(store, monkeypatch):
    store.tick(1, 7)
    real_write = os.write

    def half(file: int, data: bytes) -> int:
        real_write(file, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("monitoring.agent.segments.os.write", half)
    store.tick(8, 8)
    monkeypatch.undo()
    store.tick(9, 30)
    assert seqs(store.replayed()) == list(range(1, 26))


def test_a_torn_tail_costs_only_the_torn_record(store, tmp_path):
    store.tick(1, 13)
    (segment,) = (tmp_path / "unsent").iterdir()
    segment.write_bytes(segment.read_bytes()[:-5])
    assert seqs(Store(tmp_path / "unsent").replayed()) == list(range(1, 8))


def test_a_flipped_bit_ends_its_segment_and_not_the_replay(tmp_path):
    store = Store(tmp_path / "unsent", segment=5)
    store.tick(1, 15)
    first = sorted((tmp_path / "unsent").iterdir())[0]
    data = bytearray(first.read_bytes())
    data[-10] ^= 0x10
    first.write_bytes(data)
    assert seqs(Store(tmp_path / "unsent").replayed()) == [1, 2, 3, 4, 6, 7, 8, 9, 10]


def test_a_foreign_file_is_left_alone(tmp_path):
    (tmp_path / "unsent").mkdir()
    (tmp_path / "unsent" / "notes.txt").write_text("mine")
    store = Store(tmp_path / "unsent")
    assert store.buffer.pending == 0
    assert (tmp_path / "unsent" / "notes.txt").exists()


def test_a_segment_removed_by_hand_does_not_stop_the_others(tmp_path):
    store = Store(tmp_path / "unsent", segment=5)
    store.tick(1, 20)
    sorted((tmp_path / "unsent").iterdir())[0].unlink()
    assert seqs(store.replayed()) == list(range(6, 16))


def test_without_a_disk_two_minutes_are_kept():
    buffer = Buffer(None)
    for second in range(200):
        buffer.put(0, None, b"x", float(second))
        buffer.tend(float(second))
    assert buffer.pending == 120
    assert buffer.dropped == 80
