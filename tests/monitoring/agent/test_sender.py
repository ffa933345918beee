"""The sender against a real websocket server that is cut, refuses, and comes back."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from monitoring import protocol
from monitoring.agent.collectors.nvml.watcher import Pace, Watcher
from monitoring.agent.config import Config, Fleet
from monitoring.agent.runtime import Agent, AlreadyRunning
from monitoring.agent.sender import Sender, connector
from tests.monitoring.agent.helpers import SmallIngest, eventually


def config(tmp_path: Path, url: str, *, fleet: Fleet | None = None, interval: float = 0.1) -> Config:
    (tmp_path / "token").write_text("right\n")
    return Config(
        url=url,
        token_file=tmp_path / "token",
        data_dir=tmp_path / "agent",
        ca_file=None,
        fleet=fleet,
        seed=1,
        interval_seconds=interval,
        per_core=False,
        once=False,
        doctor=False,
        log_level="INFO",
    )


class Quick(random.Random):
    """Chance that always says 'at once': tests need not wait for back-off."""

    def uniform(self, a: float, b: float) -> float:
        return 0.02


class Running:
    """An agent in a thread."""

    def __init__(self, settings: Config) -> None:
        self.agent = Agent(settings)
        self.agent.sender._chance = Quick()
        self._thread = threading.Thread(target=self.agent.run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.agent.stop.set()
        self._thread.join(10)
        self.agent.close()


@pytest.fixture
def ingest() -> Iterator[SmallIngest]:
    server = SmallIngest().start()
    yield server
    server.stop()


@pytest.fixture
def running(tmp_path: Path, ingest: SmallIngest) -> Iterator[Running]:
    agent = Running(config(tmp_path, ingest.url))
    yield agent
    agent.stop()


def seqs(ingest: SmallIngest) -> list[int]:
    return [seq for _, seq in ingest.seen]


def complete_up_to(ingest: SmallIngest, seq: int) -> bool:
    return set(range(1, seq + 1)) <= set(seqs(ingest))


def test_samples_of_this_machine_arrive_and_are_forgotten(running, ingest):
    eventually(lambda: len(ingest.samples) >= 5)
    (hello,) = ingest.hellos
    assert hello.collector == "real"
    assert hello.facts.hostname
    assert hello.facts.memory_total_bytes > 0
    eventually(lambda: running.agent.buffer.pending <= 2)
    values = dict(zip(hello.layout.columns(), ingest.samples[-1].values, strict=True))
    assert values["", "memory_used_bytes"] > 0


def test_after_a_cut_nothing_is_missing_and_nothing_doubled(running, ingest):
    eventually(lambda: len(ingest.samples) >= 3)
    for _ in range(3):
        ingest.stop()
        reached = max(seqs(ingest))
        time.sleep(0.3)  # measured meanwhile
        ingest.start()
        eventually(lambda reached=reached: max(seqs(ingest)) >= reached + 4)
    last = max(seqs(ingest))
    eventually(lambda: complete_up_to(ingest, last))
    assert len(ingest.hellos) >= 4
    # this ingest keeps a frame and acknowledges it in one breath, so at most the cut one comes twice
    assert len(seqs(ingest)) - len(set(seqs(ingest))) <= 3


def test_unacknowledged_frames_are_sent_again_on_the_next_connection(running, ingest):
    eventually(lambda: len(ingest.samples) >= 2)
    ingest.acknowledges = False
    time.sleep(0.5)
    assert running.agent.buffer.pending >= 3
    ingest.stop()
    ingest.acknowledges = True
    ingest.start()
    reached = max(seqs(ingest)) + 10
    eventually(lambda: complete_up_to(ingest, reached))


def test_an_agent_that_stops_hands_its_rest_to_the_next_one(tmp_path, ingest):
    ingest.stop()
    first = Running(config(tmp_path, ingest.url))
    eventually(lambda: first.agent.buffer.pending >= 5)
    first.stop()
    kept = first.agent.buffer.pending
    assert kept >= 5
    ingest.start()
    second = Running(config(tmp_path, ingest.url))
    eventually(lambda: complete_up_to(ingest, kept))
    second.stop()


def test_a_refused_token_is_said_clearly_and_once(tmp_path, ingest, caplog):
    ingest.token = "another"
    with caplog.at_level(logging.WARNING, "dcportal.agent"):
        agent = Running(config(tmp_path, ingest.url))
        eventually(lambda: "create_node_token" in caplog.text)
        time.sleep(0.3)
        agent.stop()
    assert caplog.text.count("create_node_token") == 1


def test_a_token_that_is_replaced_in_its_file_is_used(tmp_path, ingest):
    ingest.token = "newer"
    agent = Running(config(tmp_path, ingest.url))
    time.sleep(0.2)
    (tmp_path / "token").write_text("newer")
    eventually(lambda: ingest.samples)
    agent.stop()


def test_a_made_up_fleet_speaks_for_all_its_nodes_on_one_connection(tmp_path, ingest):
    agent = Running(config(tmp_path, ingest.url, fleet=Fleet(5, 4)))
    eventually(lambda: len({sample.node for sample in ingest.samples}) == 5)
    agent.stop()
    assert {hello.collector for hello in ingest.hellos} == {"simulated"}
    assert len({gpu.uuid for hello in ingest.hellos for gpu in hello.facts.accelerators}) == 20


def test_two_agents_on_one_data_folder_are_refused(running, tmp_path, ingest):
    with pytest.raises(AlreadyRunning):
        Agent(config(tmp_path, ingest.url))


@pytest.mark.nvml
def test_a_gpu_plugged_in_while_connected_reaches_ingest(nvml_stub, tmp_path, ingest, monkeypatch):
    slots = tmp_path / "gpus"
    for index in range(8):
        (slots / str(index)).mkdir(parents=True)
    quick = partial(Watcher, pace=Pace(round=0.02, reprobe=0.05), kernel_gpus=slots)
    monkeypatch.setattr("monitoring.agent.machine.Watcher", quick)
    agent = Running(config(tmp_path, ingest.url))
    eventually(lambda: ingest.samples)
    assert len(ingest.hellos[0].facts.accelerators) == 8
    nvml_stub.scenario.add("gpus 9")
    (slots / "8").mkdir()
    hello = eventually(lambda: next((h for h in ingest.hellos if len(h.facts.accelerators) == 9), None))
    eventually(lambda: ingest.samples[-1].layout == hello.layout.layout)
    eventually(lambda: [event.kind for event in ingest.events] == ["accelerator_appeared"])
    agent.stop()


class Silent:
    """A buffer with nothing in it."""

    pending = 0

    def wait(self, seconds: float) -> None:
        pass

    def wake(self) -> None:
        pass


def delays(failure: Exception, times: int) -> list[float]:
    """How long a sender waits after each of `times` equal failures; chance picks the longest."""

    class Longest(random.Random):
        def uniform(self, a: float, b: float) -> float:
            return b

    def connect():
        raise failure

    sender = Sender(connect=connect, make_session=lambda link: None, buffer=Silent(), chance=Longest())
    return [sender._attempt() for _ in range(times)]


def test_back_off_doubles_from_one_to_thirty_seconds():
    assert delays(ConnectionRefusedError("nobody there"), 8) == [1, 2, 4, 8, 16, 30, 30, 30]


def test_back_off_is_jittered_from_zero():
    chance = random.Random(4)

    def connect():
        raise TimeoutError

    sender = Sender(connect=connect, make_session=lambda link: None, buffer=Silent(), chance=chance)
    waits = [sender._attempt() for _ in range(40)]
    assert min(waits) < 3
    assert max(waits) <= 30
    assert len(set(waits)) == 40


def test_a_refusal_is_retried_slowly():
    from monitoring.agent.session import Refused

    assert delays(Refused("token_refused"), 2) == [72, 72]
    assert delays(Refused("node_refused", 600), 1) == [720]


def test_a_server_that_is_no_portal_is_retried_and_named(caplog):
    server = SmallIngest()
    server.start()
    url = server.url.replace("ws:", "http:")
    sender = Sender(connect=connector(url, lambda: ""), make_session=lambda link: None, buffer=Silent())
    with caplog.at_level(logging.WARNING, "dcportal.agent"):
        assert sender._attempt() <= 1
    server.stop()
    assert "no connection to ingest" in caplog.text


def test_a_large_fleet_stays_below_the_frame_limit(tmp_path):
    agent = Agent(config(tmp_path, "ws://127.0.0.1:9/", fleet=Fleet(2, 64)))
    agent.sampler.introduce()
    assert max(len(protocol.encode(hello)) for hello in agent.station.hellos()) < protocol.MAX_FRAME_BYTES
    agent.close()
