"""Blocks: exact round trips, and clear refusals of bytes that are no block."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monitoring.store.blocks import BlockHead, BlockKey, merge, pack, read_head, unpack
from monitoring.store.codec import MISSING, BadBlock, decode, encode
from monitoring.store.layout import Layout
from tests.monitoring.store.helpers import HOUR, LAYOUT, row_at

KEY = BlockKey("node1", HOUR, LAYOUT.id, "boot-1")


def minute() -> np.ndarray:
    return np.stack([row_at(HOUR + i) for i in range(60)], axis=1)


def test_a_full_minute_comes_back_exactly() -> None:
    assert np.array_equal(decode(encode(minute(), LAYOUT), LAYOUT, 60), minute())


@settings(max_examples=60, deadline=None)
@given(arrays(np.int64, (4, 60), elements=st.integers(-(2**63), 2**63 - 1)))
def test_any_integers_come_back_exactly(values: np.ndarray) -> None:
    assert np.array_equal(decode(encode(values, LAYOUT), LAYOUT, 60), values)


@settings(max_examples=60, deadline=None)
@given(arrays(np.bool_, (4, 60)))
def test_gaps_stay_where_they_were(holes: np.ndarray) -> None:
    values = np.where(holes, MISSING, minute())
    assert np.array_equal(decode(encode(values, LAYOUT), LAYOUT, 60), values)


def test_a_minute_without_gaps_carries_no_presence() -> None:
    holed = minute()
    holed[1, 30] = MISSING
    assert len(encode(holed, LAYOUT)) > len(encode(minute(), LAYOUT))


def test_single_columns_can_be_read_in_any_order() -> None:
    assert np.array_equal(decode(encode(minute(), LAYOUT), LAYOUT, 60, [2, 0]), minute()[[2, 0]])


def test_a_block_says_whose_it_is() -> None:
    head = BlockHead(KEY, step=1, slots=60, skew_milliseconds=-1500, duplicates=3)
    assert read_head(pack(head, minute()[None], LAYOUT))[0] == head


def test_merging_fills_gaps_and_lets_the_newer_reading_win() -> None:
    head = BlockHead(KEY, step=1, slots=60)
    old, new = minute(), np.full((4, 60), MISSING, dtype=np.int64)
    old[:, 10], new[:, 10], new[0, 5] = MISSING, 7, 9
    merged = unpack(merge(pack(head, old[None], LAYOUT), pack(head, new[None], LAYOUT), LAYOUT), LAYOUT)[1][0]
    assert (merged[:, 10] == 7).all()
    assert merged[0, 5] == 9
    assert np.array_equal(merged[:, 11:], old[:, 11:])


@pytest.mark.parametrize("damage", [b"", b"DCPB", b"nonsense" * 20])
def test_other_bytes_are_refused(damage: bytes) -> None:
    with pytest.raises(BadBlock):
        read_head(damage)


def test_a_newer_format_is_refused() -> None:
    data = bytearray(pack(BlockHead(KEY, step=1, slots=60), minute()[None], LAYOUT))
    data[4] = 99
    with pytest.raises(BadBlock):
        read_head(bytes(data))


def test_a_cut_body_is_refused() -> None:
    with pytest.raises(BadBlock):
        decode(encode(minute(), LAYOUT)[:-3], LAYOUT, 60)


def test_equal_columns_have_equal_ids_and_others_do_not() -> None:
    assert Layout.from_json(LAYOUT.to_json()).id == LAYOUT.id
    assert Layout(LAYOUT.columns[:2]).id != LAYOUT.id
