"""Curves of training: packed blocks into points that a chart can draw."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.models import CurveBlock, Job

MAX_POINTS = 5000


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of one metric over all attempts, by step. times: seconds since 1970. is_reduced: thinned out,
    keeping the lowest and highest of each stretch."""

    metric: str
    steps: list[int]
    times: list[float]
    values: list[float | None]
    attempts: list[int]
    is_reduced: bool


def metric_names(job: Job) -> list[str]:
    """Metrics that the job has reported."""
    return list(job.curves.order_by("metric").values_list("metric", flat=True).distinct())


def curves_of(
    job: Job,
    metrics: Iterable[str] | None = None,
    *,
    attempt: int | None = None,
    after_step: int | None = None,
    max_points: int = 2000,
) -> list[Curve]:
    """Curves by metric name. Where steps were done again, the newest value counts.

    `attempt` keeps one attempt, `after_step` the points beyond a step (for pages that hold the rest).
    """
    rows = job.curves.order_by("metric", "attempt", "index")
    if metrics is not None:
        rows = rows.filter(metric__in=list(metrics))
    if attempt is not None:
        rows = rows.filter(attempt=attempt)
    if after_step is not None:
        rows = rows.filter(last_step__gt=after_step)
    blocks: dict[str, list[CurveBlock]] = {}
    for block in rows:
        blocks.setdefault(block.metric, []).append(block)
    return [_curve(metric, found, after_step, max_points) for metric, found in blocks.items()]


def _curve(metric: str, blocks: list[CurveBlock], after_step: int | None, max_points: int) -> Curve:
    steps = np.concatenate([np.frombuffer(block.steps, "<i8") for block in blocks])
    times = np.concatenate([np.frombuffer(block.times, "<f8") for block in blocks])
    values = np.concatenate([np.frombuffer(block.values, "<f8") for block in blocks])
    attempts = np.concatenate([np.full(block.num_points, block.attempt) for block in blocks])
    kept = newest_of_each(steps)
    if after_step is not None:
        kept = kept[steps[kept] > after_step]
    limit = max(4, min(max_points, MAX_POINTS))
    reduced = len(kept) > limit
    if reduced:
        kept = kept[extremes(values[kept], limit)]
    return Curve(
        metric,
        steps[kept].tolist(),
        times[kept].tolist(),
        [value if np.isfinite(value) else None for value in values[kept].tolist()],
        attempts[kept].tolist(),
        reduced,
    )


def newest_of_each(steps: NDArray[np.int64]) -> NDArray[np.intp]:
    """Places of the last point of each step, in order of steps."""
    _steps, first_from_behind = np.unique(steps[::-1], return_index=True)
    return len(steps) - 1 - first_from_behind


def extremes(values: NDArray[np.float64], limit: int) -> NDArray[np.intp]:
    """Places of the lowest and highest value of each of limit/2 stretches, first and last point kept."""
    edges = np.linspace(0, len(values), limit // 2, dtype=np.intp)
    filled = np.nan_to_num(values, nan=0.0)
    kept = {0, len(values) - 1}
    for start, end in itertools.pairwise(edges):
        if end > start:
            kept |= {start + int(filled[start:end].argmin()), start + int(filled[start:end].argmax())}
    return np.array(sorted(kept), dtype=np.intp)
