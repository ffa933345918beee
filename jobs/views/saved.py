"""What a run left: checkpoints and files, for the job page."""

from dataclasses import dataclass
from typing import Any

from dcportal.common import units
from jobs.models import Checkpoint, Job

NEWEST_SHOWN = 10


@dataclass(frozen=True)
class Saved:
    """`rows`: the newest checkpoints and the best, which is the newest that was called so."""

    rows: list[Checkpoint]
    best: Checkpoint | None
    count: int


def checkpoints_of(job: Job) -> Saved:
    """The newest ten checkpoints and, below, the best one where it is older."""
    every = list(job.checkpoints.all()[:1000])
    best = next((each for each in every if each.is_best), None)
    rows = every[:NEWEST_SHOWN]
    if best is not None and best not in rows:
        rows = [*rows, best]
    return Saved(rows, best, len(every))


def artifacts_of(job: Job) -> list[dict[str, Any]]:
    """Files of all attempts with their address, fifty at most."""
    return [
        {
            "name": artifact.path,
            "size": units.bytes_human(artifact.size_bytes),
            "url": f"/api/v1/jobs/{job.uid}/artifacts/{artifact.uid}/",
        }
        for artifact in job.artifacts.all()[:50]
    ]
