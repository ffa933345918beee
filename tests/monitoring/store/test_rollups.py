"""Summaries and rates: missing readings count for nothing, counters survive restarts."""

import numpy as np

from monitoring.store.codec import MISSING
from monitoring.store.rollups import (
    COUNT,
    HIGH,
    LOW,
    TOTAL,
    counter_rates,
    gauge_values,
    regroup,
    summarise,
)

GAUGE, COUNTER = np.array([False]), np.array([True])


def line(*values: int | None) -> np.ndarray:
    return np.array([[MISSING if v is None else v for v in values]], dtype=np.int64)


def test_a_gauge_is_averaged_over_the_readings_there_are() -> None:
    mean, low, high = gauge_values(summarise(line(10, None, 30, None, None, None), 3, GAUGE), scale=10)[:, 0]
    assert (mean[0], low[0], high[0]) == (2.0, 1.0, 3.0)
    assert np.isnan([mean[1], low[1], high[1]]).all()


def test_a_counter_counts_what_was_added() -> None:
    summary = summarise(line(5, 7, None, 10), 4, COUNTER)[:, 0, 0]
    assert (summary[COUNT], summary[LOW], summary[HIGH], summary[TOTAL]) == (3, 5, 10, 5)


def test_a_restarted_counter_subtracts_nothing() -> None:
    assert summarise(line(100, 110, 0, 4), 4, COUNTER)[TOTAL, 0, 0] == 14


def test_coarser_buckets_equal_those_made_from_the_readings() -> None:
    values = line(*[None if i % 7 == 3 else i * i for i in range(120)])
    for kind in (GAUGE, COUNTER):
        assert np.array_equal(regroup(summarise(values, 10, kind), 6, kind), summarise(values, 60, kind))


def test_a_rate_includes_the_step_from_the_bucket_before() -> None:
    rates = counter_rates(summarise(line(0, 10, 20, 40), 1, COUNTER), scale=1, step=1)[0, 0]
    assert np.isnan(rates[0])
    assert list(rates[1:]) == [10, 10, 20]


def test_a_short_gap_is_bridged_and_stays_a_gap() -> None:
    rates = counter_rates(summarise(line(0, None, None, 30), 1, COUNTER), scale=1, step=1)[0, 0]
    assert np.isnan(rates[:3]).all()
    assert rates[3] == 10


def test_there_is_no_rate_across_a_restart() -> None:
    rates = counter_rates(summarise(line(100, 5, 6), 1, COUNTER), scale=1, step=1)[0, 0]
    assert np.isnan(rates[1])
    assert rates[2] == 1


def test_an_empty_series_stays_empty() -> None:
    empty = line(None, None)
    assert (summarise(empty, 2, GAUGE) == MISSING).all()
    assert np.isnan(counter_rates(summarise(empty, 1, COUNTER), 1, 1)).all()
