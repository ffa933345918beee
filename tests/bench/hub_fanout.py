"""Fan-out: 1,000 nodes x 8 GPUs to 100 browsers, one frame a second, in one process without sockets.

What it counts: reading the rings, making, packing and compressing the frame, and handing the bytes to each
browser's send. Peer in the same run: the same figures as JSON, made and compressed for each browser.
Run: python -m tests.bench.hub_fanout
"""

import asyncio
import json
import os
import time
import zlib

import numpy as np

from monitoring.frames import Frame
from monitoring.hub import Hub, Mailbox
from monitoring.live import OVERVIEW_METRICS, Selection, frame, select
from monitoring.store.layout import Column, Layout
from monitoring.store.ring import NodeRing

NODES, BROWSERS, TICKS, START = 1000, 100, 5, 1_800_000_000
GPU_METRICS = (
    ("gpu_utilisation_ratio", 100),
    ("gpu_memory_used_bytes", 1),
    ("gpu_power_draw_watts", 1000),
    ("gpu_temperature_celsius", 1),
)


def main() -> None:
    asyncio.run(bench())


async def bench() -> None:
    parts = [fleet_node(number) for number in range(NODES)]
    hub = Hub()
    sent: list[int] = []
    readers = [asyncio.create_task(read(hub.mailbox(), hub, sent)) for _ in range(BROWSERS)]
    await asyncio.sleep(0)
    spent = time.process_time()
    for tick in range(TICKS):
        made = frame("overview", tick, START + 8 + tick % 2, parts)
        hub.publish_frame(made)
        await asyncio.sleep(0.001)
    ours = (time.process_time() - spent) / TICKS
    for reader in readers:
        reader.cancel()
    delivered = NODES * BROWSERS
    row("hub/cpu_per_tick", ours * 1000, "ms", 100, f"{NODES} nodes, {BROWSERS} browsers, one core = 1000 ms")
    row(
        "hub/cpu_per_delivered", ours / delivered * 1e6, "us", 2, f"JSON for each browser {peer(made):.1f} us"
    )
    row("hub/frame_bytes", len(made.brief) / 1024, "KiB", 700, f"load average {os.getloadavg()[0]:.1f}")
    row("hub/undelivered", BROWSERS * TICKS - len(sent) - hub.counts.replaced, "frames uncounted", 0, "")


def fleet_node(number: int) -> tuple[NodeRing, Selection]:
    rng = np.random.default_rng(number)
    gpus = [f"GPU-{number}-{gpu}" for gpu in range(8)]
    layout = Layout(tuple(Column(gpu, metric, scale) for gpu in gpus for metric, scale in GPU_METRICS))
    ring = NodeRing(f"node{number}", "boot", layout)
    for second in range(START, START + 10):
        ring.write(second, rng.integers(0, 100, len(layout.columns)))
    totals = dict.fromkeys(gpus, 80 << 30)
    return ring, select(f"node{number}", layout, totals, OVERVIEW_METRICS)


async def read(mailbox: Mailbox, hub: Hub, sent: list[int]) -> None:
    hub.subscribe("overview", mailbox)
    knows = False
    while True:
        _, frames = await mailbox.take()
        for each in frames:
            sent.append(len(each.bytes_for(knows)))
            knows = True


def peer(made: Frame) -> float:
    """CPU microseconds per delivered node-message when every browser gets its own JSON, compressed."""
    spent = time.process_time()
    zlib.compress(json.dumps(made.values[:, -1].astype(float).round(3).tolist()).encode(), 1)
    return (time.process_time() - spent) / NODES * 1e6


def row(name: str, value: float, unit: str, goal: float, peer: str) -> None:
    print(f"{name} | {value:.3g} {unit} | <= {goal} | {'ok' if value <= goal else 'short'} | {peer}")


if __name__ == "__main__":
    main()
