"""The made-up fleet: flagged, repeatable, plausible."""

from __future__ import annotations

from monitoring import catalog, protocol
from monitoring.agent.collectors.simulated import SimulatedNode, make_fleet


def fleet(nodes: int = 4, gpus: int = 8, seed: int = 1) -> list[SimulatedNode]:
    return make_fleet(nodes, gpus, seed=seed, host_boot_id="boot")


def run(node: SimulatedNode, seconds: int) -> list[dict[tuple[str, str], float | None]]:
    columns = [(group.entity, metric) for group in node.groups() for metric in group.metrics]
    rows = []
    for second in range(1, seconds + 1):
        node.refresh(float(second))
        values = zip(columns, node.read(float(second)), strict=True)
        rows.append({(e, m): catalog.METRICS[m].from_stored(v) for (e, m), v in values})
    return rows


def test_every_node_says_that_it_is_simulated():
    for node in fleet():
        assert node.collector == "simulated"
        assert "simulated" in node.facts().notes
        assert node.facts().hostname.startswith("demo-")


def test_the_same_seed_gives_the_same_machines_and_the_same_work():
    first, second = fleet()[2], fleet()[2]
    assert first.facts() == second.facts()
    assert run(first, 50) == run(second, 50)


def test_another_seed_gives_other_machines():
    uuids = {gpu.uuid for seed in (1, 2) for node in fleet(seed=seed) for gpu in node.facts().accelerators}
    assert len(uuids) == 2 * 4 * 8


def test_columns_fit_the_catalogue_and_the_protocol():
    node = fleet(1)[0]
    layout = protocol.Layout(node=0, layout=0, boot_id=node.facts().boot_id, groups=node.groups())
    hello = protocol.Hello(agent_version="1", collector="simulated", facts=node.facts(), layout=layout)
    assert protocol.decode_from_agent(protocol.encode(hello)) == hello


def test_readings_stay_within_what_hardware_can_do():
    for row in run(fleet(1)[0], 400):
        for (_, metric), value in row.items():
            maximum = catalog.METRICS[metric].maximum
            assert value is not None
            assert 0 <= value <= (maximum if maximum is not None else value)
        watts = [value for (_, metric), value in row.items() if metric == "gpu_power_draw_watts"]
        assert all(60 <= value <= 700 for value in watts)


def test_energy_adds_up_to_power_over_time():
    node = fleet(1)[0]
    uuid = node.facts().accelerators[0].uuid
    rows = run(node, 200)
    joules = rows[-1][uuid, "gpu_energy_joules_total"] - rows[0][uuid, "gpu_energy_joules_total"]
    watts = sum(row[uuid, "gpu_power_draw_watts"] for row in rows[1:])
    assert abs(joules - watts) < 1


def test_work_changes_and_processes_are_told_with_it():
    node = fleet(1)[0]
    seen, told = set(), 0
    for second in range(0, 36_000, 60):
        node.refresh(float(second))
        told += node.take_processes() is not None
        seen |= {gpu.work.name for gpu in node._gpus}
    assert len(seen) >= 4
    assert 5 <= told < 600


def test_a_node_without_gpus_is_a_cpu_node():
    node = fleet(1, 0)[0]
    assert node.facts().accelerators == []
    assert run(node, 3)[-1]["", "cpu_utilisation_ratio"] is not None
