"""Store: CPU per sample from row to packed hour, bytes per sample, and what reading costs.

Data: 8 GPUs x 12 metrics at 1 Hz in busy and idle phases, seeded; the 12 metrics of
anchors/telemetry-performance.md. Peers are the figures measured there (CPU, same machine class).
Run: python -m tests.bench.store_write [nodes]; fewer nodes share the cost of a sync less (0.4 ms each).
"""

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from monitoring.store.journal import SampleRecord
from monitoring.store.layout import Column, Layout
from monitoring.store.reader import TelemetryReader
from monitoring.store.recorder import Recorder
from monitoring.store.sqlite import SqliteStore

START = 1_800_000_000 // 86400 * 86400
GAUGES = (
    "gpu_utilisation_ratio",
    "gpu_memory_copy_utilisation_ratio",
    "gpu_memory_used_bytes",
    "gpu_memory_reserved_bytes",
    "gpu_temperature_celsius",
    "gpu_memory_temperature_celsius",
    "gpu_power_draw_watts",
    "gpu_sm_clock_megahertz",
    "gpu_memory_clock_megahertz",
    "gpu_pcie_transmit_bytes_per_second",
    "gpu_pcie_receive_bytes_per_second",
)
MEBIBYTE = 1 << 20


def main() -> None:
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    with tempfile.TemporaryDirectory() as folder:
        bench(Path(folder), nodes)


def bench(root: Path, nodes: int) -> None:
    store = SqliteStore(root)
    clock = datetime.fromtimestamp(START + 3600 + 300, UTC)
    recorder = Recorder(root, store, lambda: clock, lambda receipts, durable: None)
    layouts = [layout_of(node) for node in range(nodes)]
    hours = [readings(node) for node in range(nodes)]
    for node, layout in enumerate(layouts):
        recorder.announce(f"node{node}", layout)
    samples = nodes * 96 * 3600

    spent = time.process_time()
    for second in range(3600):
        for node, layout in enumerate(layouts):
            recorder.write(
                SampleRecord(f"node{node}", "boot", layout.id, START + second, 0, hours[node][second])
            )
        recorder.sync()
        if second % 60 == 30:
            recorder.seal()
    recorder.seal(everything=True)
    written = (time.process_time() - spent) / samples * 1e6
    hot = stored_bytes(store, "minute") / samples

    spent = time.process_time()
    for _ in store.maintain(clock):
        pass
    packed = (time.process_time() - spent) / samples * 1e6
    cold, rollups = stored_bytes(store, "hour") / samples, stored_bytes(store, "rollup_minute") / samples

    reader = TelemetryReader(store)
    gpus = [f"GPU-{node}-{gpu}" for node in range(min(nodes, 8)) for gpu in range(8)]
    row("write_cpu", written, "us/sample", 0.25, "VictoriaMetrics 1.9, Prometheus 6.4")
    row("pack_cpu", packed, "us/sample once", 0.15, "")
    row("hot_bytes", hot, "B/sample", 1.05, "")
    row("packed_bytes", cold, "B/sample", 0.80, "VictoriaMetrics 0.84-0.90, Prometheus 1.9")
    row("rollup_bytes", rollups, "B/raw sample", 0.12, "")
    per_series = 64 / len(gpus)
    raw = cost(lambda: reader.query(gpus, "gpu_power_draw_watts", START, START + 3600, 3600, START + 3600))
    row("query_1h_64_series", raw * per_series, "ms CPU", 12, "VictoriaMetrics 66, Prometheus 178")
    row("query_1h_by_minute", cost(lambda: reader.query(gpus, "gpu_power_draw_watts", START, START + 3600, 60,
        START + 3600)) * per_series, "ms CPU (64 series)", 5, "")  # fmt: skip
    store.close()


def layout_of(node: int) -> Layout:
    columns = [
        Column(f"GPU-{node}-{gpu}", metric, 1000 if "watts" in metric else 1)
        for metric in GAUGES
        for gpu in range(8)
    ]
    columns += [Column(f"GPU-{node}-{g}", "gpu_energy_joules_total", 1000, kind="counter") for g in range(8)]
    return Layout(tuple(columns))


def readings(node: int) -> np.ndarray:
    """(3600, 96) scaled integers: phases of about 300 s, noise as NVML shows it."""
    rng = np.random.default_rng(node)
    busy = np.repeat(rng.random((3600 // 300 + 1, 8)) < 0.7, 300, axis=0)[:3600]
    calm = np.cumsum(rng.random((3600, 8)) < 0.02, axis=0)
    power = np.where(busy, 620_000 + rng.normal(0, 1500, (3600, 8)), 70_000 + rng.normal(0, 60, (3600, 8)))
    pcie = np.where(busy, rng.normal(4000, 120, (3600, 8)), 0) * 1000
    parts = [
        np.where(busy, 96 + (rng.random((3600, 8)) < 0.1), 0),
        np.where(busy, 40 + (rng.random((3600, 8)) < 0.15), 0),
        np.where(busy, 61_000, 900) * MEBIBYTE,
        np.full((3600, 8), 500) * MEBIBYTE,
        np.where(busy, 64, 33) + calm % 3,
        np.where(busy, 78, 40) + calm % 2,
        power,
        np.where(busy, 1755 + 15 * (rng.random((3600, 8)) < 0.03), 345),
        np.full((3600, 8), 2619),
        pcie,
        pcie[:, ::-1],
        1e12 + np.cumsum(power, axis=0),
    ]
    return np.concatenate(parts, axis=1).astype(np.int64)


def stored_bytes(store: SqliteStore, table: str) -> int:
    return store.hot.execute(f"SELECT coalesce(sum(length(body)), 0) FROM {table}").fetchone()[0]


def cost(work: object, repeats: int = 9) -> float:
    """Median CPU milliseconds."""
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        work()  # type: ignore[operator]
        spent.append((time.process_time() - start) * 1000)
    return float(np.median(spent))


def row(name: str, value: float, unit: str, goal: float, peer: str) -> None:
    verdict = "ok" if value <= goal else "short"
    print(f"store/{name} | {value:.3g} {unit} | <= {goal} | {verdict} | {peer}")


if __name__ == "__main__":
    main()
