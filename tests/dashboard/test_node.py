"""The live part of a node's page."""

from datetime import UTC, datetime, timedelta

import pytest

from dcportal.common.changes import create
from dcportal.dashboard import node as page
from monitoring.models import Occupancy
from monitoring.queries import Reading

pytestmark = pytest.mark.django_db


def text_of(answer):
    return answer.content.decode()


def reads(monkeypatch, at, **values):
    monkeypatch.setattr(page.queries, "latest", lambda uid, now: Reading(at, values))


def live(client_of, node, who="owner", query=""):
    return text_of(client_of(who).get(f"/nodes/{node.uid}/live/{query}"))


def test_a_gpu_shows_its_newest_readings(client_of, node_with, monkeypatch):
    node = node_with("n1", gpus=2)
    own = {"gpu_utilisation_ratio": 0.93, "gpu_power_draw_watts": 649.0, "gpu_temperature_celsius": 62.0}
    reads(monkeypatch, datetime.now(UTC), **{"GPU-n1-0": own})
    html = live(client_of, node)
    assert "93 %" in html
    assert "649 W" in html
    assert "62 °C" in html


def test_what_is_not_read_is_a_dash_and_never_zero(client_of, node_with, monkeypatch):
    node = node_with("n1", gpus=1)
    reads(monkeypatch, datetime.now(UTC))
    row = live(client_of, node).split('id="gpus-now"')[1].split("<tbody>")[1].split("</tbody>")[0]
    assert "–" in row
    assert "0 %" not in row


def test_old_figures_say_since_when(client_of, node_with, monkeypatch):
    node = node_with("n1")
    at = datetime.now(UTC) - timedelta(minutes=2)
    reads(monkeypatch, at)
    assert f"stale since {at:%H:%M:%S}" in live(client_of, node)


def test_fresh_figures_say_nothing_of_it(client_of, node_with, monkeypatch):
    reads(monkeypatch, datetime.now(UTC))
    assert "stale since" not in live(client_of, node_with("n1"))


def test_the_job_on_a_gpu_is_named_only_to_who_may_see_it(client_of, node_with, submitted, monkeypatch, now):
    node, job = node_with("n1", gpus=1), submitted("owner", name="secret-plan")
    reads(monkeypatch, datetime.now(UTC))
    occupy(node, job, now)
    assert "secret-plan" in live(client_of, node)
    foreign = live(client_of, node, "stranger")
    assert "secret-plan" not in foreign
    assert "another team" in foreign


def occupy(node, job, now):
    columns = {"accelerator_uuid": "GPU-n1-0", "node_uid": node.uid, "job_uid": job.uid, "attempt": 1}
    row = Occupancy(from_at=now, **columns)
    for field in ("owner", "team", "owner_uid", "team_uid", "owner_name", "team_name"):
        if hasattr(Occupancy, field):
            setattr(row, field, "x")
    return create(row, now) if hasattr(row, "uid") else row.save()


def test_an_unknown_node_is_not_found(client_of):
    assert client_of("owner").get("/nodes/abcdefghjkmn/live/").status_code == 404


def test_the_part_that_polls_computes_no_chart(client_of, node_with, monkeypatch):
    node = node_with("n1")
    monkeypatch.setattr(page, "charts", lambda bundle, now: pytest.fail("charts were drawn"))
    assert "node-tiles" in live(client_of, node, query="?part=figures")
