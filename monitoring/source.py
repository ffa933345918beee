"""Where readings come from in this process: ring and store in ingest, the sealed store everywhere else."""

from functools import lru_cache
from pathlib import Path

from monitoring.ingest import service
from monitoring.store.reader import TelemetryReader
from monitoring.store.sqlite import SqliteStore


def reader() -> TelemetryReader:
    """A process that is not ingest sees a minute once it is sealed, about 15 s after its end."""
    ingest = service.current()
    return ingest.reader if ingest is not None else _read_only(service.telemetry_root())


@lru_cache(maxsize=2)
def _read_only(root: Path) -> TelemetryReader:
    return TelemetryReader(SqliteStore(root, writable=False), retention=service.retention())
