"""Ingest: CPU per agent message from msgpack frame to acknowledged journal record, without the socket.

1,000 nodes of 8 GPUs x 12 metrics each send one sample a second for some seconds; the limit measured for
decoding, journal and blocks alone is about 0.16 us a sample (anchors/telemetry-performance.md).
Run: python -m tests.bench.ingest_frames
"""

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from monitoring import protocol  # noqa: E402
from monitoring.hub import Hub  # noqa: E402
from monitoring.ingest.connection import AgentConnection  # noqa: E402
from monitoring.ingest.service import Ingest  # noqa: E402
from monitoring.protocol import ColumnGroup, Sample  # noqa: E402
from tests.bench.store_write import GAUGES  # noqa: E402
from tests.monitoring.ingest.fakes import FakeDoor, hello  # noqa: E402

NODES, SECONDS, COLUMNS = 1000, 10, 96


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(bench(Path(folder)))


async def bench(root: Path) -> None:
    names = [f"n{number}" for number in range(NODES)]
    ingest = Ingest(root, FakeDoor({"secret": set(names)}), Hub())
    await ingest.start()
    answers: list[Any] = []

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    connection = AgentConnection(ingest, "secret", send)
    serving = asyncio.create_task(connection.run(inbox.get))
    for ref, name in enumerate(names):
        inbox.put_nowait({"type": "websocket.receive", "bytes": protocol.encode(greeting(name, ref))})
    while len(answers) < NODES:
        await asyncio.sleep(0.005)
    began = int(time.time()) - SECONDS
    ticks = [[sample(ref, began + second) for ref in range(NODES)] for second in range(SECONDS)]
    spent = time.process_time()
    for number, frames in enumerate(ticks, start=1):
        for frame in frames:
            inbox.put_nowait({"type": "websocket.receive", "bytes": frame})
        await until(connection, number * NODES)
    cpu = (time.process_time() - spent) / (NODES * SECONDS)
    row("ingest/cpu_per_message", cpu * 1e6, "us", 40, "4 % of a core at 1,000 nodes = 40 us")
    row("ingest/cpu_per_sample", cpu * 1e6 / COLUMNS, "us", 0.25, "VictoriaMetrics 1.9, Prometheus 6.4")
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await ingest.stop()


def greeting(name: str, ref: int) -> protocol.Hello:
    made = hello(name, ref)
    groups = [ColumnGroup("GPU-a", list(GAUGES[:12])), ColumnGroup("", ["uptime_seconds"])]
    parts = [ColumnGroup(f"core:{core}", ["cpu_core_utilisation_ratio"]) for core in range(COLUMNS - 12)]
    layout = protocol.Layout(node=ref, layout=0, boot_id="boot-1", groups=groups + parts)
    return protocol.msgspec.structs.replace(made, layout=layout)


def sample(ref: int, second: int) -> bytes:
    values = [100 + (ref + second + column) % 60 for column in range(COLUMNS)]
    return protocol.encode(Sample(ref, 0, second % 10_000, second % 10**6 * 1000, second * 1000, values))


async def until(connection: AgentConnection, frames: int) -> None:
    while connection._receipts.done < frames:
        await asyncio.sleep(0.005)


def row(name: str, value: float, unit: str, goal: float, peer: str) -> None:
    print(f"{name} | {value:.3g} {unit} | <= {goal} | {'ok' if value <= goal else 'short'} | {peer}")


if __name__ == "__main__":
    main()
