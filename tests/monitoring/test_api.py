"""`/api/v1/telemetry/` and `/metrics`: refusals name the parameter, answers keep their gaps."""

from collections.abc import Callable

import pytest
from django.test import Client

from dcportal.inventory.models import Node
from tests.monitoring.conftest import START

pytestmark = pytest.mark.django_db
SERIES = "/api/v1/telemetry/series"
Recorded = Callable[[range], None]


@pytest.mark.parametrize(
    "path", [SERIES, "/api/v1/telemetry/latest", "/api/v1/telemetry/metrics", "/metrics"]
)
def test_strangers_learn_nothing(path: str) -> None:
    assert Client().get(path).status_code == 401


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("metric=cpu_utilisation_ratio", "/entity"),
        ("entity=a", "/metric"),
        ("entity=a&metric=nonsense", "/metric"),
        ("entity=%00&metric=cpu_utilisation_ratio", "/entity"),
        ("entity=a&metric=cpu_utilisation_ratio&points=9999999", "/points"),
        ("entity=a&metric=cpu_utilisation_ratio&points=5001", "/points"),
        ("entity=a&metric=cpu_utilisation_ratio&points=0", "/points"),
        ("entity=a&metric=cpu_utilisation_ratio&points=abc", "/points"),
        ("entity=a&metric=cpu_utilisation_ratio&points=٣", "/points"),
        ("entity=a&metric=cpu_utilisation_ratio&from=yesterday", "/from"),
        ("entity=a&metric=cpu_utilisation_ratio&from=99999999999", "/from"),
        ("entity=a&metric=cpu_utilisation_ratio&from=2026-13-45T00:00:00Z", "/from"),
        ("entity=a&metric=cpu_utilisation_ratio&to=-2h", "/to"),
        ("entity=a&metric=cpu_utilisation_ratio&range=-1", "/from"),
        ("entity=a&metric=cpu_utilisation_ratio&range=999999d", "/from"),
        ("entity=a&metric=cpu_utilisation_ratio&spread=yes", "/spread"),
        ("entity=a&metric=cpu_utilisation_ratio&nonsense=1", "/nonsense"),
        ("metric=cpu_utilisation_ratio&entity=" + ",".join(f"n{i}" for i in range(65)), "/entity"),
    ],
)
def test_a_wrong_parameter_is_named(client_of: Callable[[str], Client], query: str, pointer: str) -> None:
    answer = client_of("viewer").get(f"{SERIES}?{query}")
    assert answer.status_code == 422
    assert [problem["pointer"] for problem in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("entity", ["nobody", "\ud800".encode("utf-8", "surrogatepass").hex(), "a/b", "'"])
def test_unknown_entities_answer_an_empty_list(
    client_of: Callable[[str], Client], recorded: Recorded, entity: str
) -> None:
    answer = client_of("viewer").get(f"{SERIES}?entity={entity}&metric=cpu_utilisation_ratio")
    assert (answer.status_code, answer.json()["series"]) == (200, [])


def test_history_keeps_its_gaps(client_of: Callable[[str], Client], recorded: Recorded, node: Node) -> None:
    recorded(range(START, START + 10))
    recorded(range(START + 12, START + 20))
    query = f"entity=GPU-a&entity={node.uid}&metric=gpu_power_draw_watts,cpu_utilisation_ratio"
    answer = client_of("viewer").get(f"{SERIES}?{query}&from={START}&to={START + 20}&spread=1").json()
    assert answer["times"] == list(range(START, START + 20))
    rows = {row["id"]: row for row in answer["series"]}
    power = rows["GPU-a/gpu_power_draw_watts"]
    assert power["unit"] == "watts"
    assert power["mean"] == power["low"] == [300.0] * 10 + [None] * 2 + [300.0] * 8
    assert rows[f"{node.uid}/cpu_utilisation_ratio"]["mean"][0] == 0.5


def test_never_more_points_than_asked_for(client_of: Callable[[str], Client], recorded: Recorded) -> None:
    recorded(range(START, START + 600))
    url = f"{SERIES}?entity=GPU-a&metric=gpu_power_draw_watts&from={START}&to={START + 600}&points=50"
    answer = client_of("viewer").get(url).json()
    assert len(answer["times"]) <= 50
    assert answer["step"] == 15


def test_a_figure_carries_what_the_page_needs(client_of: Callable[[str], Client], recorded: Recorded) -> None:
    recorded(range(START, START + 10))
    url = f"{SERIES}?entity=GPU-a&metric=gpu_energy_joules_total&from={START}&to={START + 10}&format=plotly"
    figure = client_of("viewer").get(url).json()
    line = figure["data"][0]
    assert line["meta"] == {"series": "GPU-a/gpu_energy_joules_total", "hue": 1}
    assert line["name"] == "node-a GPU 3"
    assert line["x"][:2] == [START, START + 1]
    assert line["y"][:2] == [None, 300.0]
    assert line["connectgaps"] is False
    assert figure["layout"]["meta"]["unit"] == "joules_per_second"


def test_shares_are_drawn_from_zero_to_one(client_of: Callable[[str], Client], recorded: Recorded) -> None:
    recorded(range(START, START + 10))
    url = f"{SERIES}?entity=GPU-a&metric=gpu_memory_used_ratio&from={START}&to={START + 10}&format=plotly"
    figure = client_of("viewer").get(url).json()
    assert figure["layout"]["yaxis"]["range"] == [0, 1]
    assert figure["data"][0]["y"][0] == 0.25


def test_an_empty_chart_is_still_a_figure(client_of: Callable[[str], Client], recorded: Recorded) -> None:
    url = f"{SERIES}?entity=nobody&metric=gpu_power_draw_watts&range=24h&format=plotly"
    assert client_of("viewer").get(url).json()["data"] == []


def test_the_newest_reading_of_a_node(client_of: Callable[[str], Client], node: Node) -> None:
    client = client_of("viewer")
    answer = client.get(f"/api/v1/telemetry/latest?node={node.uid}").json()
    assert (answer["name"], answer["entities"]) == ("node-a", {})
    for unknown in ("nobody", "x" * 500, "%00"):
        assert client.get(f"/api/v1/telemetry/latest?node={unknown}").status_code == 404


def test_the_newest_reading_of_no_node_names_the_parameter(client_of: Callable[[str], Client]) -> None:
    answer = client_of("viewer").get("/api/v1/telemetry/latest")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/node"


def test_every_metric_is_described(client_of: Callable[[str], Client]) -> None:
    metrics = client_of("viewer").get("/api/v1/telemetry/metrics").json()["metrics"]
    assert {"id": "gpu_power_draw_watts", "unit": "watts"}.items() <= next(
        metric for metric in metrics if metric["id"] == "gpu_power_draw_watts"
    ).items()


# /metrics


@pytest.mark.parametrize(
    ("allowed", "status"), [("127.0.0.0/8", 200), ("10.1.2.3,::1", 401), ("nonsense", 401)]
)
def test_metrics_are_open_to_listed_addresses_only(
    monkeypatch: pytest.MonkeyPatch, allowed: str, status: int
) -> None:
    monkeypatch.setenv("DCP_METRICS_ALLOW", allowed)
    assert Client().get("/metrics").status_code == status


def test_a_wrong_token_does_not_open_metrics_for_a_listed_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCP_METRICS_ALLOW", "127.0.0.1")
    assert Client().get("/metrics", headers={"Authorization": "Bearer guessed"}).status_code == 401


def test_metrics_speak_dcgm_and_node_exporter(
    client_of: Callable[[str], Client], recorded: Recorded, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime

    from monitoring import exposition

    recorded(range(START, START + 10))
    monkeypatch.setattr(exposition, "utcnow", lambda: datetime.fromtimestamp(START + 12, UTC))
    text = client_of("viewer").get("/metrics").content.decode()
    labels = 'gpu="3",hostname'
    assert "# TYPE DCGM_FI_DEV_POWER_USAGE gauge" in text
    assert "DCGM_FI_DEV_POWER_USAGE{" in text
    assert labels not in text  # the older dialect says Hostname
    lines = {line.split("{")[0]: line for line in text.splitlines() if "node-a" in line}
    assert 'UUID="GPU-a"' in lines["DCGM_FI_DEV_FB_USED"]
    assert lines["DCGM_FI_DEV_FB_USED"].endswith(" 25.0")
    assert lines["DCGM_FI_DEV_FB_FREE"].endswith(" 75.0")
    assert lines["DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"].endswith(" 2.7e+06")
    assert lines["node_memory_MemAvailable_bytes"].endswith(" 4000.0")
    assert "dcportal_agents_reporting 1.0" in text


def test_simulated_nodes_are_not_exported(
    client_of: Callable[[str], Client], recorded: Recorded, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(range(START, START + 10))
    Node.objects.update(is_simulated=True)
    assert "node-a" not in client_of("viewer").get("/metrics").content.decode()
