"""Rollups and rates on scaled integers. Pure.

A summary is int64 (4, series, buckets): COUNT, LOW, HIGH, TOTAL. For a gauge these are count, minimum,
maximum and sum; for a counter count, first reading, last reading and the increase inside the bucket (a step
down is a restart and adds nothing). An empty bucket is MISSING in all four planes, so it stores as a gap.
"""

import numpy as np

from monitoring.store.codec import MISSING, forward_fill

COUNT, LOW, HIGH, TOTAL = range(4)
PLANES = 4
BRIDGE_SECONDS = 10


def summarise(values: np.ndarray, step: int, counters: np.ndarray) -> np.ndarray:
    """Summary of (series, slots) readings in buckets of `step` slots; slots must divide by step."""
    series, slots = values.shape
    cells = values.reshape(series * (slots // step), step)
    present = cells != MISSING
    low = np.where(present, cells, np.iinfo(np.int64).max).min(axis=1)
    high = np.where(present, cells, MISSING).max(axis=1)
    total = np.where(present, cells, 0).sum(axis=1)
    out = np.stack([present.sum(axis=1), low, high, total]).reshape(PLANES, series, -1)
    if counters.any():
        out[LOW:, counters] = _climb(values[counters], step)
    return _blank(out)


def _climb(values: np.ndarray, step: int) -> np.ndarray:
    """First, last and increase of counters in each bucket."""
    shape = (values.shape[0], -1)
    cells = values.reshape(-1, step)
    filled = forward_fill(cells, cells != MISSING)
    rises = np.maximum(np.diff(filled, axis=1), 0).sum(axis=1)
    return np.stack([filled[:, 0], filled[:, -1], rises]).reshape(3, *shape)


def regroup(summary: np.ndarray, factor: int, counters: np.ndarray) -> np.ndarray:
    """The same summary in buckets `factor` times as long."""
    planes, series, buckets = summary.shape
    cells = summary.reshape(planes, series, buckets // factor, factor)
    present = cells[COUNT] != MISSING
    low = np.where(present, cells[LOW], np.iinfo(np.int64).max).min(axis=2)
    high = np.where(present, cells[HIGH], MISSING).max(axis=2)
    count, total = (np.where(present, cells[plane], 0).sum(axis=2) for plane in (COUNT, TOTAL))
    out = np.stack([count, low, high, total])
    if counters.any():
        out[LOW:, counters] = _climb_again(cells[:, counters])
    return _blank(out)


def _climb_again(cells: np.ndarray) -> np.ndarray:
    rows = cells.reshape(PLANES, -1, cells.shape[3])
    present = rows[COUNT] != MISSING
    last = forward_fill(np.where(present, rows[HIGH], MISSING), present)
    first = np.take_along_axis(rows[LOW], np.argmax(present, axis=1)[:, None], axis=1)[:, 0]
    between = np.where(present[:, 1:], np.maximum(rows[LOW][:, 1:] - last[:, :-1], 0), 0)
    between[np.cumsum(present, axis=1)[:, :-1] == 0] = 0
    total = np.where(present, rows[TOTAL], 0).sum(axis=1) + between.sum(axis=1)
    return np.stack([first, last[:, -1], total]).reshape(3, *cells.shape[1:3])


def _blank(summary: np.ndarray) -> np.ndarray:
    summary[:, summary[COUNT] == 0] = MISSING
    return summary


def gauge_values(summary: np.ndarray, scale: float) -> np.ndarray:
    """float64 (3, series, buckets): mean, minimum, maximum in the metric's unit; NaN where nothing was."""
    empty = summary[COUNT] == MISSING
    count = np.where(empty, 1, summary[COUNT])
    out = np.stack([summary[TOTAL] / count, summary[LOW].astype(float), summary[HIGH].astype(float)]) / scale
    out[:, empty] = np.nan
    return out


def counter_rates(summary: np.ndarray, scale: float, step: int) -> np.ndarray:
    """float64 (3, series, buckets): the mean rate per second, thrice; `step` is the seconds of a bucket.

    A bucket is joined to the last one with readings up to BRIDGE_SECONDS before it. Without such a neighbour
    it uses its own span (one reading a second) and a single reading has no rate; nor has one across a restart
    of the counter.
    """
    empty = summary[COUNT] == MISSING
    before, distance = _last_before(summary[HIGH], ~empty)
    joined = ~empty & (distance > 0) & (distance <= max(1, BRIDGE_SECONDS // step))
    gap = np.where(joined, summary[LOW] - before, 0)
    joined &= gap >= 0
    span = np.where(joined, step * distance, np.where(empty, 1, summary[COUNT]) - 1).astype(float)
    span[span <= 0] = np.nan
    rate = (np.where(empty, 0, summary[TOTAL]) + np.where(joined, gap, 0)) / span / scale
    rate[empty] = np.nan
    return np.stack([rate, rate, rate])


def _last_before(values: np.ndarray, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest value present in an earlier bucket, and how many buckets ago (0: there is none)."""
    buckets = np.arange(values.shape[1])
    last = np.maximum.accumulate(np.where(present, buckets, -1), axis=1)
    last = np.concatenate([np.full((len(values), 1), -1), last[:, :-1]], axis=1)
    found = np.take_along_axis(values, np.maximum(last, 0), axis=1)
    return np.where(last < 0, 0, found), np.where(last < 0, 0, buckets - last)
