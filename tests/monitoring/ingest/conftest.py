from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitoring.hub import Hub
from monitoring.ingest import service
from monitoring.ingest.service import Ingest
from tests.monitoring.ingest.fakes import FakeDoor


@pytest.fixture
def door() -> FakeDoor:
    return FakeDoor({"secret": {"node1", "node2"}, "other": {"node3"}})


@pytest.fixture
async def ingest(tmp_path: Path, door: FakeDoor, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ingest]:
    """A running ingest that the endpoint finds; its loops are driven by the test."""
    made = Ingest(tmp_path / "telemetry", door, Hub())
    monkeypatch.setattr(service._holder, "ingest", made)
    await made.start()
    for task in made._tasks:
        task.cancel()
    yield made
    await made.stop()
