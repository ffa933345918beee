"""What pages and jobs read: newest values, history, who held what."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from dcportal.inventory.models import Node
from monitoring import actions, queries
from monitoring.models import Occupancy
from monitoring.protocol import Event, Process
from tests.monitoring.conftest import START

pytestmark = pytest.mark.django_db
T0 = datetime.fromtimestamp(START, UTC)
Recorded = Callable[[range], None]


def occupy(
    job: str = "job1", uuids: tuple[str, ...] = ("GPU-a",), node: str = "n1", at: datetime = T0
) -> None:
    actions.occupy(
        job_uid=job, attempt=1, owner="u", team="t", node_uid=node, accelerator_uuids=uuids, now=at
    )


def test_an_occupancy_left_over_ends_where_the_next_begins() -> None:
    occupy()
    later = T0 + timedelta(minutes=1)
    occupy("job2", ("GPU-b", "GPU-a"), at=later)
    assert {uuid: row.job_uid for uuid, row in queries.occupancy_by_accelerator().items()} == {
        "GPU-a": "job2",
        "GPU-b": "job2",
    }
    assert Occupancy.objects.get(job_uid="job1").to_at == later


def test_a_released_gpu_can_be_occupied_again() -> None:
    occupy()
    assert actions.release(job_uid="job1", attempt=1, now=T0 + timedelta(minutes=1)) == 1
    assert actions.release(job_uid="job1", attempt=1, now=T0 + timedelta(minutes=2)) == 0
    occupy("job2", at=T0 + timedelta(minutes=3))
    assert {uuid: row.job_uid for uuid, row in queries.occupancy_by_accelerator().items()} == {
        "GPU-a": "job2"
    }


def test_cpu_jobs_occupy_their_node_and_no_gpu() -> None:
    occupy(uuids=())
    occupy("job2", uuids=())
    assert queries.occupancy_by_accelerator() == {}
    assert queries.occupancy_of_node("n1", T0, T0 + timedelta(hours=1)).count() == 2


def test_lanes_of_a_node_end_where_the_job_let_go() -> None:
    occupy()
    actions.release(job_uid="job1", attempt=1, now=T0 + timedelta(minutes=1))
    later = queries.occupancy_of_node("n1", T0 + timedelta(minutes=2), T0 + timedelta(hours=1))
    assert not later.exists()


def test_the_newest_reading_comes_from_the_store_where_there_are_no_rings(
    recorded: Recorded, node: Node
) -> None:
    recorded(range(START, START + 70))
    reading = queries.latest(node.uid, T0 + timedelta(seconds=80))
    assert reading is not None
    assert reading.at == T0 + timedelta(seconds=69)
    assert reading.values[node.uid]["cpu_utilisation_ratio"] == 0.5
    assert reading.values["GPU-a"]["gpu_power_draw_watts"] == 300.0


def test_an_old_reading_is_no_newest_one(recorded: Recorded, node: Node) -> None:
    recorded(range(START, START + 70))
    assert queries.latest(node.uid, T0 + timedelta(hours=1)) is None


def test_memory_history_can_be_read_as_a_ratio(recorded: Recorded) -> None:
    recorded(range(START, START + 60))
    end = T0 + timedelta(seconds=60)
    answer = queries.series(["GPU-a"], "gpu_memory_used_ratio", T0, end, 100, end)
    assert np.allclose(answer.series["GPU-a"].mean, 0.25)


def test_a_jobs_series_is_blank_outside_its_time(recorded: Recorded, node: Node) -> None:
    recorded(range(START, START + 120))
    occupy(node=node.uid, at=T0 + timedelta(seconds=30))
    actions.release(job_uid="job1", attempt=1, now=T0 + timedelta(seconds=90))
    end = T0 + timedelta(seconds=120)
    for metric, entity in (("gpu_power_draw_watts", "GPU-a"), ("cpu_utilisation_ratio", node.uid)):
        mean = queries.job_series("job1", metric, T0, end, 500, end).series[entity].mean
        assert np.isnan(mean[:30]).all()
        assert np.isnan(mean[90:]).all()
        assert not np.isnan(mean[30:90]).any()


def test_another_jobs_series_stays_empty(recorded: Recorded, node: Node) -> None:
    recorded(range(START, START + 60))
    end = T0 + timedelta(seconds=60)
    assert queries.job_series("nobody", "gpu_power_draw_watts", T0, end, 100, end).series == {}


def test_processes_are_the_last_that_the_agent_named() -> None:
    actions.note_processes("n1", [Process(pid=1, accelerator="GPU-a")], T0)
    actions.note_processes(
        "n1",
        [
            Process(pid=2, accelerator="GPU-a", user="ann", memory_bytes=5, job_tag="job1.1"),
            Process(pid=3, accelerator="GPU-a", kind="graphics"),
        ],
        T0,
    )
    found = queries.accelerator_processes(["n1"])
    assert [(each.pid, each.job_tag, each.is_display) for each in found] == [
        (2, "job1.1", False),
        (3, None, True),
    ]
    assert queries.accelerator_processes(["n2"]) == []


def test_a_process_keeps_the_time_it_was_first_seen() -> None:
    later = T0 + timedelta(minutes=5)
    old = Process(pid=1, accelerator="GPU-a", start_ticks=10)
    actions.note_processes("n1", [old], T0)
    actions.note_processes("n1", [old, Process(pid=1, accelerator="GPU-a", start_ticks=99)], later)
    assert [each.since for each in queries.accelerator_processes()] == [T0, later]


def test_an_event_that_is_sent_again_is_kept_once(node: Node) -> None:
    event = Event(
        node=0, boot_id="b", kind="xid", entity="GPU-a", monotonic_ms=5, wall_ms=6, params={"xid": 79}
    )
    assert [actions.note_hardware_event(node.uid, event, T0) for _ in range(2)] == [True, False]
    kept = node.hardware_events.get()
    assert kept.accelerator is not None
    assert (kept.code, kept.params["xid"], kept.accelerator.uuid) == ("xid", 79, "GPU-a")


def test_freshness_counts_agents_that_ever_reported(node: Node) -> None:
    stamp = datetime.fromtimestamp(START, UTC)
    Node.objects.create(name="never", created_at=stamp, updated_at=stamp)
    Node.objects.create(name="lost", liveness="lost", last_seen_at=stamp, created_at=stamp, updated_at=stamp)
    fresh = queries.freshness()
    assert (fresh.reporting, fresh.agents, fresh.stale_since) == (1, 2, stamp)
