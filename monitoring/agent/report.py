"""What `--once` and `--doctor` print."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from monitoring import catalog
from monitoring.agent.clock import Clock
from monitoring.agent.collectors.base import Node, Values
from monitoring.agent.collectors.power import UNREADABLE, how_to_make_readable
from monitoring.protocol import ColumnGroup, NodeFacts


def read_twice(node: Node, clock: Clock, seconds: float) -> Values:
    """Values with rates: a first reading, a pause, a second."""
    import threading

    node.refresh(clock.monotonic())
    node.read(clock.monotonic())
    clock.wait(threading.Event(), seconds)
    node.refresh(clock.monotonic())
    return node.read(clock.monotonic())


def as_json(node: Node, values: Values) -> str:
    """Facts, and values by entity in the catalogue's units."""
    readings: dict[str, dict[str, float | None]] = {}
    for entity, metric, value in _cells(node.groups(), values):
        readings.setdefault(entity or "node", {})[metric.id] = metric.from_stored(value)
    found: dict[str, Any] = {
        "collector": node.collector,
        "facts": msgspec.to_builtins(node.facts()),
        "readings": readings,
        "processes": msgspec.to_builtins(node.take_processes() or []),
    }
    return json.dumps(found, indent=2)


def as_text(node: Node, values: Values) -> str:
    """For a person: what was found, what is missing and how it becomes readable."""
    facts = node.facts()
    lines = [*_heading(facts), ""]
    for group in _merged(node.groups(), values):
        lines += [group[0], *(f"  {line}" for line in group[1]), ""]
    lines += _advice(facts)
    return "\n".join(lines)


def _heading(facts: NodeFacts) -> list[str]:
    memory = f"{facts.memory_total_bytes / 2**30:.1f} GiB" if facts.memory_total_bytes else "unknown memory"
    driver = (
        f"NVIDIA driver {facts.driver}, CUDA {facts.cuda}" if facts.driver else "no NVIDIA driver answers"
    )
    return [
        f"{facts.hostname}: {facts.os}, kernel {facts.kernel}",
        f"{facts.cpu_model or 'unknown CPU'}, {facts.threads} threads, {memory}",
        f"{driver}, {len(facts.accelerators)} GPUs",
        *(f"  GPU {gpu.index}: {gpu.name}, {gpu.uuid}, {gpu.pci_bus_id}" for gpu in facts.accelerators),
    ]


def _advice(facts: NodeFacts) -> list[str]:
    if UNREADABLE not in facts.notes:
        return []
    return ["CPU power is there but not readable by this user. As root:", how_to_make_readable()]


def _merged(groups: list[ColumnGroup], values: Values) -> list[tuple[str, list[str]]]:
    texts: dict[str, list[str]] = {}
    for entity, metric, value in _cells(groups, values):
        shown = "not available" if value is None else f"{metric.from_stored(value):g} {metric.unit}"
        texts.setdefault(entity or "node", []).append(f"{metric.id:45} {shown}")
    return list(texts.items())


def _cells(groups: list[ColumnGroup], values: Values) -> Iterator[tuple[str, catalog.Metric, int | None]]:
    columns = [(group.entity, metric) for group in groups for metric in group.metrics]
    for (entity, metric_id), value in zip(columns, values, strict=True):
        yield entity, catalog.METRICS[metric_id], value
