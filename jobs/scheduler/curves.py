"""Appending points to the blocks of a curve."""

import struct
from itertools import islice

from jobs.models import Attempt, CurveBlock
from jobs.models.traces import POINTS_PER_BLOCK

Point = tuple[int, float, float]


def append(attempt: Attempt, points: dict[str, list[Point]]) -> None:
    """Store (step, seconds since 1970, value) by metric, in the transaction that keeps the offset."""
    last = _last_blocks(attempt, list(points))
    for metric, new in points.items():
        rest = iter(new)
        block = last.get(metric)
        if block is not None and block.num_points < POINTS_PER_BLOCK:
            _extend(block, list(islice(rest, POINTS_PER_BLOCK - block.num_points)))
        index = block.index + 1 if block is not None else 0
        while batch := list(islice(rest, POINTS_PER_BLOCK)):
            _new_block(attempt, metric, index, batch)
            index += 1


def _last_blocks(attempt: Attempt, metrics: list[str]) -> dict[str, CurveBlock]:
    rows = CurveBlock.objects.filter(job_id=attempt.job_id, attempt=attempt.number, metric__in=metrics)
    return {block.metric: block for block in rows.order_by("index")}


def _extend(block: CurveBlock, points: list[Point]) -> None:
    if not points:
        return
    steps, times, values = packed(points)
    block.steps = bytes(block.steps) + steps
    block.times = bytes(block.times) + times
    block.values = bytes(block.values) + values
    block.num_points += len(points)
    block.first_step = min(block.first_step, *(point[0] for point in points))
    block.last_step = max(block.last_step, *(point[0] for point in points))
    block.save()


def _new_block(attempt: Attempt, metric: str, index: int, points: list[Point]) -> None:
    steps, times, values = packed(points)
    CurveBlock.objects.create(
        job_id=attempt.job_id,
        attempt=attempt.number,
        metric=metric,
        index=index,
        num_points=len(points),
        first_step=min(point[0] for point in points),
        last_step=max(point[0] for point in points),
        steps=steps,
        times=times,
        values=values,
    )


def packed(points: list[Point]) -> tuple[bytes, bytes, bytes]:
    """Little-endian int64 steps, float64 times, float64 values."""
    count = len(points)
    return (
        struct.pack(f"<{count}q", *(point[0] for point in points)),
        struct.pack(f"<{count}d", *(point[1] for point in points)),
        struct.pack(f"<{count}d", *(point[2] for point in points)),
    )
