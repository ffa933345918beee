"""The ranks of an attempt: process, GPU, how busy it is now, and how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dcportal.common import units
from dcportal.inventory.models import Accelerator
from jobs.models import Attempt
from monitoring import queries

MOST_SHOWN = 64
SLOW_POINTS = 0.10  # a rank this far below the median of its job is marked


@dataclass(frozen=True, slots=True)
class Rank:
    """One rank; `ratio` is its GPU's newest utilisation, None where it has none or the attempt is over."""

    number: int
    gpu: str
    pid: int | None
    ratio: float | None
    exit_code: int | None
    is_odd: bool

    @property
    def percent(self) -> str:
        return units.percent(self.ratio)


def ranks_of(attempt: Attempt, gpus: Sequence[Accelerator], now: datetime) -> list[Rank]:
    """The ranks known from its processes, exits and GPUs (rank i holds the i-th GPU where counts agree)."""
    pids = {each.get("rank"): each.get("pid") for each in attempt.processes if each.get("rank") is not None}
    exits = {int(rank): code for rank, code in attempt.rank_exits.items() if str(rank).isdigit()}
    numbers = sorted({*(int(rank) for rank in pids), *exits, *range(attempt.job.ranks)})[:MOST_SHOWN]
    held = dict(enumerate(gpus)) if len(gpus) == attempt.job.ranks else {}
    ratios = utilisation(attempt, gpus, now)
    busy = {number: ratios.get(held[number].uuid) for number in numbers if number in held}
    odd = odd_ones(busy)
    return [
        Rank(
            number=number,
            gpu=f"GPU {held[number].index}" if number in held else "",
            pid=pids.get(number),
            ratio=busy.get(number),
            exit_code=exits.get(number),
            is_odd=number in odd or bool(exits.get(number)),
        )
        for number in numbers
    ]


def utilisation(attempt: Attempt, gpus: Sequence[Accelerator], now: datetime) -> dict[str, float | None]:
    """Newest utilisation by GPU while the attempt goes on."""
    if attempt.ended_at is not None or attempt.node is None or not gpus:
        return {}
    reading = queries.latest(attempt.node.uid, now)
    if reading is None:
        return {}
    return {gpu.uuid: reading.values.get(gpu.uuid, {}).get("gpu_utilisation_ratio") for gpu in gpus}


def odd_ones(ratios: Mapping[int, float | None]) -> set[int]:
    """Ranks that lie more than ten points below the median; three ranks make a median."""
    known = sorted(value for value in ratios.values() if value is not None)
    if len(known) < 3:
        return set()
    median = known[len(known) // 2]
    return {rank for rank, value in ratios.items() if value is not None and value < median - SLOW_POINTS}
