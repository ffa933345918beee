"""What a live topic shows of a ring."""

import numpy as np

from monitoring.live import OVERVIEW_METRICS, frame, select, values
from monitoring.store.codec import MISSING
from monitoring.store.layout import Column, Layout
from monitoring.store.ring import NodeRing

NOW = 1_800_000_000
LAYOUT = Layout(
    (
        Column("", "cpu_utilisation_ratio", 1000),
        Column("", "memory_used_bytes", 1),
        Column("GPU-a", "gpu_memory_used_bytes", 1),
        Column("GPU-a", "gpu_energy_joules_total", 1000, kind="counter"),
        Column("net:eth0", "network_receive_bytes_per_second", 1),
    )
)


def ring(seconds: int = 10) -> NodeRing:
    made = NodeRing("node1", "boot", LAYOUT)
    for second in range(NOW - seconds + 1, NOW + 1):
        made.write(second, np.array([250, 8, 30, (second - NOW + 100) * 150_000, 7], dtype=np.int64))
    return made


def ids(chosen: object) -> list[str]:
    return [each.id for each in chosen.series]  # type: ignore[attr-defined]


def test_memory_travels_as_a_ratio_where_the_total_is_known() -> None:
    chosen = select("node1", LAYOUT, {"GPU-a": 60, "": 16}, OVERVIEW_METRICS)
    assert ids(chosen) == [
        "node1/cpu_utilisation_ratio",
        "node1/memory_used_ratio",
        "GPU-a/gpu_memory_used_ratio",
    ]
    assert values(ring(), chosen, NOW)[:, -1].tolist() == [0.25, 0.5, 0.5]


def test_without_a_total_there_is_no_ratio() -> None:
    assert ids(select("node1", LAYOUT, {}, OVERVIEW_METRICS)) == ["node1/cpu_utilisation_ratio"]


def test_a_counter_is_shown_as_its_rate() -> None:
    chosen = select("node1", LAYOUT, {}, {"gpu_energy_joules_total"})
    assert chosen.series[0].unit == "joules_per_second"
    assert values(ring(), chosen, NOW)[0].tolist() == [150.0] * 5


def test_parts_of_a_node_carry_its_uid() -> None:
    assert "node1:net:eth0/network_receive_bytes_per_second" in ids(select("node1", LAYOUT, {}))


def test_seconds_before_the_first_sample_are_missing() -> None:
    chosen = select("node1", LAYOUT, {}, {"cpu_utilisation_ratio"})
    shown = values(ring(seconds=2), chosen, NOW)[0]
    assert np.isnan(shown[:3]).all()
    assert shown[3:].tolist() == [0.25, 0.25]


def test_a_missing_reading_is_nan_and_not_zero() -> None:
    made = NodeRing("node1", "boot", LAYOUT)
    made.write(NOW, np.full(5, MISSING))
    assert np.isnan(values(made, select("node1", LAYOUT, {"": 16}), NOW)).all()


def test_nodes_share_one_time_axis() -> None:
    chosen = select("node1", LAYOUT, {}, {"cpu_utilisation_ratio"})
    late = NodeRing("node2", "boot", LAYOUT)
    late.write(NOW - 4, np.array([500, 0, 0, 0, 0], dtype=np.int64))
    made = frame("overview", 1, NOW, [(ring(), chosen), (late, chosen)])
    assert made.values.shape == (2, 5)
    assert made.values[1, 0] == 0.5
    assert np.isnan(made.values[1, 1:]).all()
