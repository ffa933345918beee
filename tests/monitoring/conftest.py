"""A node with a GPU in the database, and readings of it in a store that queries read."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np
import pytest

from dcportal.common.changes import create
from dcportal.inventory.models import Accelerator, Node
from monitoring import source
from monitoring.ingest import service
from monitoring.store.journal import SampleRecord
from monitoring.store.layout import Column, Layout
from monitoring.store.reader import TelemetryReader
from monitoring.store.recorder import Recorder
from monitoring.store.sqlite import SqliteStore

START = 1_800_000_000 // 3600 * 3600
"""First second of the readings."""


@pytest.fixture
def node(db: None) -> Node:
    stamp = datetime.fromtimestamp(START, UTC)
    made = create(Node(name="node-a", liveness="live", memory_bytes=16_000, last_seen_at=stamp), stamp)
    create(
        Accelerator(uuid="GPU-a", node=made, index=3, model="NVIDIA H200", memory_bytes=100 * 2**20), stamp
    )
    return made


@pytest.fixture
def recorded(
    node: Node, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[range], None]]:
    """`recorded(range(START, START + 60))` stores a reading for each of these seconds."""
    root = tmp_path_factory.mktemp("telemetry")
    store = SqliteStore(root)
    recorder = Recorder(root, store, lambda: datetime.now(UTC), lambda receipts, durable: None)
    layout = Layout(
        (
            Column("", "cpu_utilisation_ratio", 1000),
            Column("", "memory_available_bytes", 1),
            Column("GPU-a", "gpu_power_draw_watts", 1000),
            Column("GPU-a", "gpu_memory_used_bytes", 1),
            Column("GPU-a", "gpu_energy_joules_total", 1000, kind="counter"),
        )
    )
    recorder.announce(node.uid, layout)

    def record(seconds: range) -> None:
        for second in seconds:
            row = np.array([500, 4_000, 300_000, 25 * 2**20, (second - START) * 300_000], dtype=np.int64)
            recorder.write(SampleRecord(node.uid, "boot", layout.id, second, 0, row))
        recorder.seal(everything=True)

    reader = TelemetryReader(store)
    monkeypatch.setattr(source, "_read_only", lambda root: reader)
    monkeypatch.setattr(service._holder, "ingest", None)
    yield record
    store.close()
