"""Who starts, and why the others wait: tables of snapshots."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobs.scheduler.placement import AcceleratorView, Ask, NodeView, Use
from jobs.scheduler.policy import (
    WAIT_CODES,
    Dependency,
    Place,
    QueuedJob,
    Snapshot,
    TeamLimit,
    Wait,
    decide,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def job(uid: str, gpus: int = 0, *, minutes_ago: int = 0, **fields) -> QueuedJob:
    ask_fields = {
        name: fields.pop(name) for name in ("ranks", "cpus", "memory_bytes", "gpu_type") if name in fields
    }
    ask = Ask(gpus=gpus, **{"ranks": max(1, gpus), **ask_fields})
    return QueuedJob(uid, f"name {uid}", ask, NOW - timedelta(minutes=minutes_ago), **fields)


def node(
    name: str, gpus: str = "", *, cpus: int = 64, used: int = 0, kind: str = "H200", **fields
) -> NodeView:
    """`gpus`: one letter each: f free, j job, x foreign, m missing."""
    uses = {"f": Use.FREE, "j": Use.JOB, "x": Use.FOREIGN, "m": Use.MISSING}
    views = tuple(
        AcceleratorView(f"{name}-{index}", kind, index, uses[letter]) for index, letter in enumerate(gpus)
    )
    return NodeView(name, name, cpus_total=cpus, cpus_used=used, accelerators=views, **fields)


def verdicts(jobs, nodes, **fields):
    return {found.job_uid: found for found in decide(Snapshot(NOW, tuple(jobs), tuple(nodes), **fields))}


def codes(jobs, nodes, **fields) -> dict[str, str]:
    found = verdicts(jobs, nodes, **fields).values()
    return {v.job_uid: v.slot.node_uid if isinstance(v, Place) else v.code for v in found}


def test_an_empty_queue_needs_no_decision():
    assert decide(Snapshot(NOW, (), (node("n1", "ff"),))) == []


def test_a_job_that_fits_gets_named_accelerators():
    found = verdicts([job("a", 2)], [node("n1", "jffx")])["a"]
    assert isinstance(found, Place)
    assert (found.slot.node_uid, found.slot.accelerator_uuids, found.slot.cpus) == ("n1", ("n1-1", "n1-2"), 2)


def test_no_accelerator_is_given_twice():
    found = verdicts([job("a", 2), job("b", 2), job("c", 1)], [node("n1", "fff")])
    given = [uuid for v in found.values() if isinstance(v, Place) for uuid in v.slot.accelerator_uuids]
    assert len(given) == len(set(given)) == 3


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (job("z", 2, priority=5), job("a", 2, minutes_ago=9)),
        (job("z", 2, minutes_ago=9), job("a", 2)),
        (job("z", 2, queue_weight=1), job("a", 2, priority=99)),
        (job("a", 2), job("b", 2)),
    ],
)
def test_queue_then_priority_then_age_then_uid_decides(first, second):
    found = codes([second, first], [node("n1", "ff")])
    assert found == {first.uid: "n1", second.uid: "waiting_for_gpus"}


def test_the_tightest_node_is_taken_so_that_whole_nodes_stay_whole():
    assert codes([job("a", 1)], [node("n1", "ffff"), node("n2", "fjjj"), node("n3", "")]) == {"a": "n2"}


def test_a_cpu_job_goes_to_the_node_without_gpus():
    assert codes([job("a")], [node("n1", "ff"), node("n2", "")]) == {"a": "n2"}


def test_a_blocked_head_keeps_its_node_but_not_the_rest_of_the_site():
    jobs = [job("head", 4, priority=9), job("small", 2)]
    assert codes(jobs, [node("n1", "ffjj")]) == {"head": "waiting_for_gpus", "small": "higher_priority_ahead"}
    assert codes(jobs, [node("n1", "ffjj"), node("n2", "ff")]) == {"head": "waiting_for_gpus", "small": "n2"}


def test_a_later_job_starts_beside_the_heads_reservation():
    later = [job("one", 1, minutes_ago=3), job("two", 2, minutes_ago=2), job("three", 1)]
    found = codes([job("head", 4, priority=9), *later], [node("n1", "fffjjj")])
    # Six GPUs, four kept for the head: two may be used by others meanwhile.
    assert found == {"head": "waiting_for_gpus", "one": "n1", "two": "higher_priority_ahead", "three": "n1"}


def test_a_head_that_lacks_cores_keeps_them_from_later_jobs():
    jobs = [job("head", cpus=8, priority=9), job("small", cpus=2)]
    assert codes(jobs, [node("n1", cpus=8, used=4)]) == {
        "head": "cpus_busy",
        "small": "higher_priority_ahead",
    }
    assert codes(jobs, [node("n1", cpus=10, used=4)]) == {"head": "cpus_busy", "small": "n1"}


def test_the_one_ahead_is_named():
    found = verdicts([job("head", 2, priority=9), job("b", 1)], [node("n1", "fj")])["b"]
    assert found.params["job_uid"] == "head"


@pytest.mark.parametrize(
    ("changed", "code", "param"),
    [
        ({"held_by": "Ann"}, "held_by", {"by": "Ann"}),
        ({"is_queue_open": False, "queue": "night"}, "queue_closed", {"queue": "night"}),
        ({"not_before": NOW + timedelta(hours=1)}, "not_before", {"at": "2026-11-24T13:00:00+00:00"}),
        ({"dependencies": (Dependency("x", "waiting"),)}, "dependency_waiting", {"jobs": ["x"]}),
        (
            {"dependencies": (Dependency("x", "waiting"), Dependency("y", "failed"))},
            "dependency_failed",
            {"jobs": ["y"]},
        ),
    ],
)
def test_what_may_not_start_yet_says_why_and_blocks_nobody(changed, code, param):
    waiting = replace(job("a", 2, priority=9), **changed)
    found = verdicts([waiting, job("b", 2)], [node("n1", "ff")])
    assert (found["a"].code, found["a"].params) == (code, param)
    assert isinstance(found["b"], Place)


@pytest.mark.parametrize(
    "changed",
    [{"not_before": NOW}, {"dependencies": (Dependency("x", "satisfied"),)}, {"held_by": None}],
)
def test_what_is_over_holds_nothing_back(changed):
    assert codes([replace(job("a", 1), **changed)], [node("n1", "f")]) == {"a": "n1"}


@pytest.mark.parametrize(
    ("asked", "nodes", "code", "params"),
    [
        (job("a", 8), [node("n1", "ffff")], "never_fits_gpus", {"wanted": 8, "most": 4}),
        (job("a", 4), [node("n1", "fffm")], "never_fits_gpus", {"wanted": 4, "most": 3}),
        (
            job("a", 1, gpu_type="B300"),
            [node("n1", "f")],
            "no_such_gpu_type",
            {"type": "B300", "types": ["H200"]},
        ),
        (job("a", cpus=65), [node("n1")], "never_fits_cpus", {"wanted": 65, "most": 64}),
        (
            job("a", memory_bytes=2**40),
            [node("n1", memory_total_bytes=2**30)],
            "never_fits_memory",
            {"wanted_bytes": 2**40, "most_bytes": 2**30},
        ),
        (job("a", 1), [node("n1", "f", is_launchable=False)], "no_launchable_node", {"nodes": 1}),
        (job("a", 1), [], "no_launchable_node", {"nodes": 0}),
        (
            job("a", 1),
            [node("n1", "f", is_schedulable=False, drain_reason="fan")],
            "node_drained",
            {"nodes": ["n1"], "reasons": ["fan"]},
        ),
    ],
)
def test_the_impossible_says_what_could_be_had(asked, nodes, code, params):
    found = verdicts([asked], nodes)["a"]
    assert (found.code, found.params) == (code, params)


def test_the_impossible_reserves_nothing():
    assert codes([job("a", 8, priority=9), job("b", 2)], [node("n1", "ff")])["b"] == "n1"


def test_gpus_in_foreign_use_are_told_from_busy_ones():
    assert codes([job("a", 2)], [node("n1", "fx")]) == {"a": "gpus_in_foreign_use"}
    assert codes([job("a", 2)], [node("n1", "fj")]) == {"a": "waiting_for_gpus"}
    waiting = verdicts([job("a", 2)], [node("n1", "fj"), node("n2", "fj")])["a"]
    assert waiting.params == {"wanted": 2, "free": 1, "node": "n1", "free_on_site": 2}


def test_busy_cores_and_memory_are_named():
    assert codes([job("a", cpus=4)], [node("n1", cpus=4, used=1)]) == {"a": "cpus_busy"}
    full = node("n1", memory_total_bytes=100, memory_used_bytes=60)
    found = verdicts([job("a", memory_bytes=50)], [full])["a"]
    assert (found.code, found.params["missing_bytes"]) == ("memory_busy", 10)


def test_a_team_at_its_limit_waits_and_holds_nobody_up():
    jobs = [job("a", 2, team="vision", priority=9), job("b", 1, team="vision"), job("c", 1, team="text")]
    found = codes(jobs, [node("n1", "ffff")], team_limits={"vision": TeamLimit(max_gpus=2, used_gpus=1)})
    assert found == {"a": "team_gpu_limit", "b": "n1", "c": "n1"}


def test_a_team_limit_counts_what_this_pass_gives_out():
    jobs = [job("a", 1, team="vision"), job("b", 1, team="vision")]
    found = codes(jobs, [node("n1", "ff")], team_limits={"vision": TeamLimit(max_gpus=1)})
    assert sorted(found.values()) == ["n1", "team_gpu_limit"]


def test_every_wait_code_is_listed_once():
    assert len(WAIT_CODES) == len(set(WAIT_CODES))
    found = verdicts([job("a", 9)], [node("n1", "f")])["a"]
    assert isinstance(found, Wait)
    assert found.code in WAIT_CODES
