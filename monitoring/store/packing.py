"""Packing: the minute blocks of a finished hour become one block, and its two rollups, of each node."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from monitoring.store.base import HOUR, MINUTE, ROLLUP_HOUR, ROLLUP_MINUTE, StoredBlock
from monitoring.store.blocks import BlockHead, BlockKey, overlay, pack, unpack
from monitoring.store.codec import MISSING, PACK_LEVEL
from monitoring.store.layout import Layout
from monitoring.store.rollups import PLANES, regroup, summarise
from monitoring.store.schema import transaction

if TYPE_CHECKING:
    from monitoring.store.sqlite import SqliteStore


def pack_hours(store: "SqliteStore", before: int) -> Iterator[None]:
    """Pack every hour that has minute blocks and ended by `before` (unix seconds); one node a slice."""
    rows = store.hot.execute(
        "SELECT DISTINCT node, start / 3600 * 3600, layout, boot FROM minute WHERE start < ?", (before,)
    ).fetchall()
    for row in rows:
        pack_hour(store, BlockKey(*row))
        yield


def pack_hour(store: "SqliteStore", key: BlockKey) -> None:
    """Move the minutes of one node's hour into its packed hour and rollups, in one transaction."""
    layout = store.layout(key.layout)
    with transaction(store.hot):
        head, values = _gathered(store, key, layout)
        store.put(HOUR, StoredBlock(key, pack(head, values[None], layout, PACK_LEVEL)))
        minutes = summarise(values, 60, layout.counters)
        rolled = replace(head, step=60, slots=60, planes=PLANES)
        store.put(ROLLUP_MINUTE, StoredBlock(key, pack(rolled, minutes, layout, PACK_LEVEL)))
        _roll_into_day(store, key, regroup(minutes, 60, layout.counters), layout)
        store.hot.execute(
            "DELETE FROM minute WHERE node=? AND start>=? AND start<? AND layout=? AND boot=?",
            (key.node, key.start, key.start + 3600, key.layout, key.boot),
        )


def _gathered(store: "SqliteStore", key: BlockKey, layout: Layout) -> tuple[BlockHead, np.ndarray]:
    """The hour as it was packed before (if it was) with its minute blocks laid over it."""
    values = np.full((len(layout.columns), 3600), MISSING, dtype=np.int64)
    head = BlockHead(key, step=1, slots=3600)
    packed = store.find(HOUR, key)
    if packed:
        old, planes = unpack(packed, layout)
        values, head = planes[0], replace(head, duplicates=old.duplicates)
    for block in store.blocks(MINUTE, key.node, key.start, key.start + 3600):
        if (block.key.layout, block.key.boot) == (key.layout, key.boot):
            minute, planes = unpack(block.body, layout)
            at = block.key.start - key.start
            values[:, at : at + 60] = overlay(values[:, at : at + 60], planes[0])
            duplicates = head.duplicates + minute.duplicates
            head = replace(head, skew_milliseconds=minute.skew_milliseconds, duplicates=duplicates)
    return head, values


def _roll_into_day(store: "SqliteStore", key: BlockKey, hour: np.ndarray, layout: Layout) -> None:
    day = replace(key, start=key.start // 86400 * 86400)
    held = store.find(ROLLUP_HOUR, day)
    if held:
        values = unpack(held, layout)[1]
    else:
        values = np.full((PLANES, len(layout.columns), 24), MISSING, dtype=np.int64)
    slot = (key.start - day.start) // 3600
    values[:, :, slot : slot + 1] = hour
    head = BlockHead(day, step=3600, slots=24, planes=PLANES)
    store.put(ROLLUP_HOUR, StoredBlock(day, pack(head, values, layout, PACK_LEVEL)))
