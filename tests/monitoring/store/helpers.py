"""Readings for store tests: a small layout, rows that can be checked by eye, and a store in a folder."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from monitoring.store.journal import SampleRecord
from monitoring.store.layout import Column, Layout
from monitoring.store.reader import TelemetryReader
from monitoring.store.recorder import Receipt, Recorder
from monitoring.store.sqlite import SqliteStore

HOUR = 1_800_000_000 // 3600 * 3600
"""A whole hour, UTC."""

DAY = HOUR // 86400 * 86400

LAYOUT = Layout(
    (
        Column("", "cpu_utilisation_ratio", 1000),
        Column("GPU-a", "gpu_power_draw_watts", 1000),
        Column("GPU-b", "gpu_power_draw_watts", 1000),
        Column("GPU-a", "gpu_energy_joules_total", 1000, kind="counter"),
    )
)


def row_at(second: int) -> np.ndarray:
    """CPU 0.5, GPU-a 100 W + the second of the minute, GPU-b 200 W, energy 100 J a second."""
    return np.array(
        [500, 100_000 + second % 60 * 1000, 200_000, second % 10_000_000 * 100_000], dtype=np.int64
    )


def record(
    second: int,
    node: str = "node1",
    boot: str = "boot1",
    layout: Layout = LAYOUT,
    row: np.ndarray | None = None,
) -> SampleRecord:
    return SampleRecord(node, boot, layout.id, second, 0, row_at(second) if row is None else row)


class Desk:
    """A recorder whose writer thread is not started: tests call `sync` and `seal` themselves."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.receipts: list[bool] = []
        self.open()

    def open(self) -> None:
        self.store = SqliteStore(self.root)
        self.recorder = Recorder(self.root, self.store, lambda: datetime.now(UTC), self.deliver)
        self.recorder._thread.start = lambda: None  # type: ignore[method-assign]
        self.recorder.open()
        self.reader = TelemetryReader(self.store, self.recorder.ring)

    def deliver(self, receipts: list[Receipt], durable: bool) -> None:
        for receipt in receipts:
            receipt(durable)

    def write(self, seconds: range, **more: object) -> None:
        layout = more.get("layout", LAYOUT)
        self.recorder.announce(str(more.get("node", "node1")), layout)  # type: ignore[arg-type]
        for second in seconds:
            self.recorder.write(record(second, **more), self.receipts.append)  # type: ignore[arg-type]
        self.recorder.sync()

    def crash(self) -> None:
        """Everything in memory is gone; files stay as they are."""
        self.store.close()
        self.open()

    def maintain(self, second: int) -> None:
        for _ in self.store.maintain(datetime.fromtimestamp(second, UTC)):
            pass

    def power(self, start: int, end: int, max_points: int = 5000, now: int | None = None) -> np.ndarray:
        """Mean watts of GPU-a."""
        answer = self.reader.query(["GPU-a"], "gpu_power_draw_watts", start, end, max_points, now or end)
        return answer.series["GPU-a"].mean


Opener = Callable[[], Desk]
