"""The first page, empty and full, and the fragments that it loads."""

from datetime import timedelta

import numpy as np
import pytest

from dcportal.dashboard import fleet, power, set_up
from jobs.models import Job
from monitoring.store.reader import Answer

pytestmark = pytest.mark.django_db


def text_of(answer):
    return answer.content.decode()


def test_before_the_first_job_the_page_shows_three_steps(client_of):
    html = text_of(client_of("owner").get("/"))
    assert html.count("first-run-step") == 3
    assert "dcp submit digits-cnn --wait" in html


def test_the_first_step_is_done_once_this_machine_reports(client_of, node_with):
    node_with("workstation", engine="local")
    html = text_of(client_of("owner").get("/"))
    assert "first-run-done" in html
    assert "workstation" in html


def test_a_viewer_is_offered_no_button_that_launches(client_of):
    html = text_of(client_of("viewer").get("/"))
    assert "Run Digits CNN" not in html
    assert "Show a demo hall" not in html


def test_the_control_room_opens_with_the_first_job(client_of, submitted):
    submitted("owner")
    html = text_of(client_of("owner").get("/"))
    assert "first-run" not in html
    assert 'id="tiles"' in html


def test_a_waiting_job_says_why_it_waits(client_of, submitted):
    job = submitted("owner", name="patient")
    reason = {"code": "no_launchable_node", "params": {}, "v": 1}
    Job.objects.filter(pk=job.pk).update(reason=reason)
    assert "No machine can start jobs yet." in text_of(client_of("owner").get("/"))


def test_events_of_other_teams_are_not_shown(client_of, submitted):
    submitted("owner", name="ours")
    assert "ours" not in text_of(client_of("stranger").get("/?overview"))


def test_a_simulated_rack_says_so_on_the_map(node_with):
    node_with("real")
    node_with("demo", is_simulated=True)
    names = [rack["name"] for rack in fleet.fleet_map()["racks"]]
    assert names == ["No rack", "No rack · simulated"]


def test_a_node_without_gpus_is_one_cell_of_its_cpu(node_with):
    node = node_with("plain", liveness="live")
    cell = fleet.fleet_map()["racks"][0]["nodes"][0]["cells"][0]
    assert (cell["label"], cell["series"]["utilisation"]) == ("CPU", f"{node.uid}/cpu_utilisation_ratio")


def test_what_is_set_up_is_not_shown_again(client_of, node_with, monkeypatch):
    done = [set_up.item("x", "done")]
    monkeypatch.setattr(set_up, "items", lambda node: done)
    assert client_of("owner").get("/set-up/?only_open=1").content == b""


def test_setting_up_asks_again_only_while_something_waits(client_of, monkeypatch):
    client = client_of("owner")
    monkeypatch.setattr(set_up, "items", lambda node: [set_up.item("x", "warning")])
    assert "tick-2s" not in text_of(client.get("/set-up/"))
    monkeypatch.setattr(set_up, "items", lambda node: [set_up.item("x", "waiting")])
    assert "tick-2s" in text_of(client.get("/set-up/"))


def test_no_power_chart_where_nothing_measures_power(client_of, node_with):
    node_with("quiet")
    assert client_of("owner").get("/power/").content.strip() == b""


def answer_of(now, **rows):
    class Points:
        def __init__(self, mean):
            self.mean = np.array(mean)

    start = int((now - timedelta(hours=1)).timestamp())
    return Answer("minute", 300, start, {key: Points(mean) for key, mean in rows.items()})


def test_power_is_the_sum_of_what_is_measured_and_gaps_stay_gaps(node_with, now, monkeypatch):
    one, two, demo = node_with("a"), node_with("b"), node_with("c", is_simulated=True)
    asked = []

    def series(entities, metric, *rest):
        asked.extend(entities)
        gap = float("nan")
        return answer_of(now, **{one.uid: [100.0, gap, gap], two.uid: [50.0, 70.0, gap]})

    monkeypatch.setattr(power.queries, "series", series)
    card = power.power_card(now)
    assert list(card["figure"]["data"][0]["y"]) == [150.0, 70.0, None]
    assert card["note"] == "measured on 2 of 2 nodes"
    assert demo.uid not in asked


def test_search_finds_nodes_and_own_jobs_and_no_foreign_one(client_of, submitted, node_with):
    node_with("alpha-node")
    submitted("owner", name="alpha-job")
    assert "alpha-job" in text_of(client_of("owner").get("/search/", {"q": "alpha"}))
    found = text_of(client_of("stranger").get("/search/", {"q": "alpha"}))
    assert "alpha-node" in found
    assert "alpha-job" not in found
