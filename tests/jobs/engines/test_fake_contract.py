"""The fake keeps the contract that the local engine keeps, and has the faults it promises."""

from datetime import timedelta
from pathlib import Path

import pytest

from jobs.engines import registry
from jobs.engines.base import Engine, EngineUnreachable, LaunchRequest, State, SubmitRefused, UnknownTag
from jobs.engines.local.engine import LocalEngine
from tests.fakes.engine import FakeCluster, FakeEngine
from trainer.spec.problems import Problem


def request(uid: str = "jobaaa", **fields) -> LaunchRequest:
    fields = {"command": ("true",), **fields}
    return LaunchRequest(job_uid=uid, attempt=1, run_dir=Path("/x"), interpreter=Path("/p"), **fields)


@pytest.fixture
def engine() -> FakeEngine:
    made = FakeEngine()
    made.submit("jobaaa.1", request(ranks=2))
    return made


def test_fake_and_local_both_are_engines(tmp_path):
    engines: list[Engine] = [FakeEngine(), LocalEngine(tmp_path)]
    for engine in engines:
        registry.register(engine)
    assert registry.get("local") is engines[1]
    registry.clear()
    with pytest.raises(registry.NoSuchEngine):
        registry.get("local")


def test_the_same_tag_never_starts_twice(engine):
    assert engine.submit("jobaaa.1", request()).duplicate
    engine.cluster.advance(5)
    assert engine.cluster.starts == {"jobaaa.1": 1}


def test_a_lost_reply_leaves_an_attempt_that_is_found(engine):
    engine.lose_next_reply = True
    with pytest.raises(EngineUnreachable):
        engine.submit("jobbbb.1", request("jobbbb"))
    assert engine.find("jobbbb.1").state is State.PENDING
    assert engine.submit("jobbbb.1", request("jobbbb")).duplicate


def test_jobs_outlive_the_engine_object(engine):
    engine.cluster.run_to("jobaaa.1", State.RUNNING)
    assert FakeEngine(engine.cluster).adopt("jobaaa.1").state is State.RUNNING


def test_a_cancel_is_done_only_when_nobody_is_left(engine):
    engine.cluster.run_to("jobaaa.1", State.RUNNING)
    engine.cluster.stubborn.add("jobaaa.1")
    assert engine.cancel("jobaaa.1", 5, "held").stop.left == 2
    engine.cluster.advance(20)
    assert engine.find("jobaaa.1").state is State.STOPPING
    engine.cluster.release("jobaaa.1")
    engine.cluster.advance()
    report = engine.find("jobaaa.1")
    assert (report.state, report.reason.code, report.stop.left) == (State.CANCELLED, "held", 0)
    assert engine.cancel("jobaaa.1", 5) == report


def test_polls_forget_what_ended_before(engine):
    engine.cluster.run_to("jobaaa.1", State.RUNNING)
    engine.cluster.finish("jobaaa.1", exit_code=3)
    ended = engine.cluster.now
    assert set(engine.poll_all()) == set(engine.poll_all(ended)) == {"jobaaa.1"}
    assert engine.poll_all(ended + timedelta(seconds=1)) == {}


def test_an_unreachable_engine_says_nothing(engine):
    engine.is_unreachable = True
    for call in (engine.probe, engine.poll_all, engine.nodes, lambda: engine.find("jobaaa.1")):
        with pytest.raises(EngineUnreachable):
            call()
    assert engine.cluster.live() == {"jobaaa.1"}


def test_a_refusal_carries_its_problems(engine):
    engine.refusals = (Problem("", "disk_full"),)
    with pytest.raises(SubmitRefused) as refused:
        engine.submit("jobbbb.1", request("jobbbb"))
    assert refused.value.problems == (Problem("", "disk_full"),)
    assert engine.find("jobbbb.1") is None


def test_logs_are_windows_of_whole_lines(engine):
    for text, rank in (("one", "0"), ("two", "1"), ("three", "0")):
        engine.cluster.log("jobaaa.1", text, rank)
    first = engine.logs("jobaaa.1", 0, limit=1)
    assert first.data.endswith(b"one\n")
    rest = engine.logs("jobaaa.1", first.next_offset, rank="0")
    assert rest.data.endswith(b"three\n")
    assert b"two" not in rest.data
    assert rest.next_offset == rest.end_offset


def test_an_unknown_tag_is_refused():
    for call in (FakeEngine().adopt, lambda tag: FakeEngine().cancel(tag, 1)):
        with pytest.raises(UnknownTag):
            call("jobzzz.1")
    assert FakeEngine(FakeCluster()).find("jobzzz.1") is None
