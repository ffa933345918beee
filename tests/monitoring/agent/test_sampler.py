"""The tick: order, alignment, events, and what a changed machine does to the layout."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from monitoring import protocol
from monitoring.agent.buffer import Buffer
from monitoring.agent.collectors.base import Aside, Happening, Paced
from monitoring.agent.layouts import Layouts
from monitoring.agent.runtime import own_phase
from monitoring.agent.sampler import Sampler
from monitoring.agent.station import Station
from monitoring.protocol import ColumnGroup, Process
from tests.monitoring.agent.helpers import HandClock, PlainNode, eventually


class Bench:
    """A sampler over plain nodes, ticked by hand."""

    def __init__(self, *nodes: PlainNode, phase: float = 0.5, interval: float = 1.0) -> None:
        self.clock = HandClock()
        self.buffer = Buffer(None)
        self.station = Station(Layouts(), collector="real", interval_seconds=interval)
        self.sampler = Sampler(
            nodes,
            station=self.station,
            buffer=self.buffer,
            clock=self.clock,
            interval_seconds=interval,
            phase=phase,
        )
        self.sampler.introduce()

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock.advance(self.sampler.seconds_to_next())
            self.sampler.tick()

    def sent(self, kind: type) -> list:
        messages = [protocol.decode_from_agent(frame.payload) for frame in self.buffer.after(-1)]
        return [message for message in messages if isinstance(message, kind)]


def test_a_tick_sends_one_sample_per_node_in_the_layout_of_its_hello():
    bench = Bench(PlainNode(), PlainNode("boot-2"))
    bench.tick()
    samples = bench.sent(protocol.Sample)
    hellos = bench.station.hellos()
    assert [sample.node for sample in samples] == [0, 1]
    for sample, hello in zip(samples, hellos, strict=True):
        assert sample.layout == hello.layout.layout
        protocol.check_sample(sample, hello.layout)


def test_ticks_keep_their_phase_of_the_wall_second():
    bench = Bench(PlainNode(), phase=0.3)
    bench.tick(5)
    assert {sample.wall_ms % 1000 for sample in bench.sent(protocol.Sample)} <= {299, 300}


def test_an_early_wake_up_does_not_give_two_ticks_for_one_second():
    bench = Bench(PlainNode())
    bench.tick()
    bench.clock.set_wall(-0.001)  # slewed back by NTP: the phase seems to be ahead again
    assert bench.sampler.seconds_to_next() == pytest.approx(1.001, abs=1e-4)


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 0.7, -0.7])
def test_a_wall_clock_that_jumps_breaks_neither_order_nor_pace(jump):
    bench = Bench(PlainNode())
    bench.tick(3)
    bench.clock.set_wall(jump)
    bench.tick(3)
    times = [sample.monotonic_ms for sample in bench.sent(protocol.Sample)]
    assert times == sorted(times)
    assert all(500 <= later - earlier <= 1500 for earlier, later in pairwise(times))
    assert [sample.seq for sample in bench.sent(protocol.Sample)] == [1, 2, 3, 4, 5, 6]


def test_a_large_jump_is_told_with_its_size():
    bench = Bench(PlainNode())
    bench.tick(2)
    bench.clock.set_wall(-3600.0)
    bench.tick(2)
    (event,) = bench.sent(protocol.Event)
    assert event.kind == "clock_jump"
    assert event.params["seconds"] == pytest.approx(-3600, abs=1)


def test_ticks_that_were_missed_are_left_out_and_not_caught_up():
    bench = Bench(PlainNode())
    bench.tick()
    bench.clock.advance(10.2)
    bench.tick(2)
    times = [sample.monotonic_ms for sample in bench.sent(protocol.Sample)]
    assert len(times) == 3
    assert times[2] - times[1] in (999, 1000, 1001)


def test_changed_columns_give_a_new_layout_and_a_new_hello():
    node = PlainNode()
    bench = Bench(node)
    bench.tick()
    version = bench.station.version
    node.columns, node.values, node.changed = [ColumnGroup("", ["load_average_1m"])], [17], True
    bench.tick()
    first, second = bench.sent(protocol.Sample)
    assert first.layout != second.layout
    assert second.values == [17]
    assert bench.station.version == version + 1


def test_columns_that_come_back_get_their_old_layout_number():
    node = PlainNode()
    bench = Bench(node)
    bench.tick()
    before, node.columns, node.values, node.changed = node.columns, [], [], True
    bench.tick()
    node.columns, node.values, node.changed = before, [1, 2], True
    bench.tick()
    refs = [sample.layout for sample in bench.sent(protocol.Sample)]
    assert refs[0] == refs[2] != refs[1]


def test_happenings_become_events_of_their_node_and_boot():
    node = PlainNode()
    bench = Bench(PlainNode(), node)
    node.happenings.append(Happening("accelerator_lost", "GPU-1", {"index": 3}))
    bench.tick()
    (event,) = bench.sent(protocol.Event)
    assert (event.node, event.kind, event.entity, event.params) == (
        1,
        "accelerator_lost",
        "GPU-1",
        {"index": 3},
    )
    assert event.boot_id == "boot-1"


def test_processes_are_kept_as_the_newest_list_only():
    node = PlainNode()
    bench = Bench(node)
    for pid in (1, 2):
        node.processes = [Process(pid=pid, accelerator="GPU-1")]
        bench.tick()
    (processes,) = bench.station.processes()
    assert [process.pid for process in processes.processes] == [2]


def test_every_machine_has_a_phase_away_from_the_edge_of_a_second():
    phases = [own_phase(f"machine-{n}") for n in range(500)]
    assert min(phases) >= 0.2
    assert max(phases) <= 0.8
    assert len(set(phases)) > 200


class Moody:
    """A collector that fails or dawdles when told to, and counts how often it is asked."""

    name = "moody"

    def __init__(self) -> None:
        self.fails = False
        self.takes_seconds = 0.0
        self.asked = 0

    def refresh(self, monotonic: float) -> bool:
        return False

    def groups(self) -> list[ColumnGroup]:
        return [ColumnGroup("", ["cpu_utilisation_ratio"])]

    def read(self, monotonic: float) -> list[int | None]:
        self.asked += 1
        time.sleep(self.takes_seconds)
        if self.fails:
            raise RuntimeError("a format nobody expected")
        return [7]

    def close(self) -> None:
        pass


def test_a_failing_collector_is_none_and_asked_less_and_less():
    moody = Moody()
    paced = Paced(moody)
    moody.fails = True
    assert [paced.read(float(tick)) for tick in range(100)] == [[None]] * 100
    assert moody.asked <= 7


def test_a_collector_that_recovers_is_asked_every_tick_again():
    moody = Moody()
    paced = Paced(moody, cap=2)
    moody.fails = True
    for tick in range(10):
        paced.read(float(tick))
    moody.fails = False
    values = [paced.read(float(tick)) for tick in range(10)]
    assert values[-5:] == [[7]] * 5


def test_a_slow_collector_is_heard_but_left_out_for_a_while():
    moody = Moody()
    paced = Paced(moody, slow_seconds=0.001)
    moody.takes_seconds = 0.002
    assert [paced.read(float(tick)) for tick in range(5)] == [[7], [None], [7], [None], [None]]


def test_a_function_that_fails_aside_is_none_and_asked_again():
    answers = iter((1, 0, 1))
    aside = Aside("test", lambda: 1 // next(answers))
    assert [aside.result(5.0) for _ in range(3)] == [1, None, 1]
    aside.close()


def test_a_late_result_is_thrown_away_and_the_next_one_is_fresh():
    import threading

    gate = threading.Event()
    answers = iter((1, 2, 3))
    aside = Aside("test", lambda: (gate.wait(10), next(answers))[1])
    assert aside.result(0.01) is None
    assert aside.result(0.01) is None
    gate.set()
    assert eventually(lambda: aside.result(1.0)) == 2
    aside.close()
