"""The reading half: the finest resolution that fits the number of points asked for, gaps kept as gaps."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from monitoring.catalog import NODE_ENTITY, entity_kind
from monitoring.store.base import HOUR, MINUTE, ROLLUP_HOUR, ROLLUP_MINUTE, BlockStore, Retention
from monitoring.store.blocks import overlay, unpack
from monitoring.store.codec import MISSING
from monitoring.store.layout import COUNTER, Column, Layout
from monitoring.store.ring import SLOTS, NodeRing
from monitoring.store.rollups import PLANES, counter_rates, gauge_values, regroup, summarise

STEPS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
RAW, BY_MINUTE, BY_HOUR = "raw", "minute", "hour"
_BASE_STEP = {RAW: 1, BY_MINUTE: 60, BY_HOUR: 3600}


@dataclass(frozen=True, slots=True)
class Points:
    """One series in the metric's unit, NaN where nothing was read; rates per second for a counter."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True, slots=True)
class Answer:
    """Series on one time axis: point i covers [start + i * step, start + (i + 1) * step)."""

    tier: str
    step: int
    start: int
    series: dict[str, Points]

    def times(self) -> np.ndarray:
        """Unix seconds of the points."""
        count = len(next(iter(self.series.values())).mean) if self.series else 0
        return self.start + self.step * np.arange(count, dtype=np.int64)


def qualified(node: str, entity: str) -> str:
    """Site-wide name of a layout's entity: the node's uid, `<uid>:disk:sda`, or the accelerator's UUID."""
    if entity == NODE_ENTITY:
        return node
    return f"{node}:{entity}" if entity_kind(entity)[0] == "node" else entity


def choose(start: int, end: int, max_points: int, now: int, retention: Retention) -> tuple[str, int]:
    """Tier and step for at most `max_points` points, from what is still kept at `start`."""
    wanted = max(1, -(-(end - start) // max(1, max_points)))
    age_days = (now - start) / 86400
    floor = 3600 if age_days > retention.minute_days else 60 if age_days > retention.raw_days else 1
    wanted = max(wanted, floor)
    step = next((step for step in STEPS if step >= wanted), -(-wanted // 86400) * 86400)
    return (RAW if step < 60 else BY_MINUTE if step < 3600 else BY_HOUR), step


class TelemetryReader:
    """Queries over a block store and, in the process that holds them, the rings."""

    def __init__(
        self,
        store: BlockStore,
        ring_of: Callable[[str], NodeRing | None] = lambda node: None,
        retention: Retention | None = None,
    ) -> None:
        self.store, self.ring_of, self.retention = store, ring_of, retention or Retention()
        self._index: dict[str, str] = {}
        self._indexed: set[tuple[str, bytes]] = set()
        self._moved: dict[str, set[str]] = {}
        self._lock = threading.Lock()

    def query(
        self, entities: Sequence[str], metric: str, start: int, end: int, max_points: int, now: int
    ) -> Answer:
        """`metric` of `entities` (node uids, node parts, accelerator UUIDs) in [start, end), unix seconds.

        Entities without the metric are left out; a counter comes back as its rate per second.
        """
        tier, step = choose(start, end, max_points, now, self.retention)
        first, last = start // step * step, -(-end // step) * step
        series: dict[str, Points] = {}
        for node, wanted in self._by_node(entities).items():
            window = _Window(self, node, wanted, metric, first - step, last)
            for entity, points in window.points(tier, step):
                series[entity] = _joined(series[entity], points) if entity in series else points
        return Answer(tier, step, first, {e: series[e] for e in entities if e in series})

    def metrics_of(self, node: str) -> dict[str, list[str]]:
        """Entities of a node and the metrics ever measured on each."""
        found: dict[str, list[str]] = {}
        for layout_id in self.store.homes().get(node, ()):
            for column in self.store.layout(layout_id).columns:
                names = found.setdefault(qualified(node, column.entity), [])
                if column.metric not in names:
                    names.append(column.metric)
        return found

    def _by_node(self, entities: Sequence[str]) -> dict[str, list[str]]:
        """Entities grouped by the nodes that ever held them."""
        if any(entity not in self._moved for entity in entities):
            self._refresh()
        grouped: dict[str, list[str]] = {}
        for entity in dict.fromkeys(entities):
            for node in sorted(self._moved.get(entity, ())):
                grouped.setdefault(node, []).append(entity)
        return grouped

    def _refresh(self) -> None:
        with self._lock:
            pairs = {(node, layout) for node, layouts in self.store.homes().items() for layout in layouts}
            for node, layout_id in pairs - self._indexed:
                for column in self.store.layout(layout_id).columns:
                    self._moved.setdefault(qualified(node, column.entity), set()).add(node)
            self._indexed = pairs


class _Window:
    """The readings of some entities of one node, one metric, in [start, end)."""

    def __init__(
        self, reader: TelemetryReader, node: str, entities: list[str], metric: str, start: int, end: int
    ) -> None:
        self.store, self.ring = reader.store, reader.ring_of(node)
        self.node, self.entities, self.metric = node, entities, metric
        self.start, self.end = start, end
        self.column: Column | None = None
        self._places: dict[bytes, tuple[list[int], list[int]]] = {}

    def points(self, tier: str, step: int) -> Iterator[tuple[str, Points]]:
        """Each entity with its points, without the one bucket read ahead for rates."""
        summary = self._summary(tier, step)
        if self.column is None:
            return
        if self.column.kind == COUNTER:
            values = counter_rates(summary, self.column.scale, step)
        else:
            values = gauge_values(summary, self.column.scale)
        values = values[:, :, 1:]
        for row, entity in enumerate(self.entities):
            if entity in self._seen():
                yield entity, Points(*values[:, row])

    def _seen(self) -> set[str]:
        return {self.entities[row] for rows, _ in self._places.values() for row in rows}

    def _summary(self, tier: str, step: int) -> np.ndarray:
        if tier == RAW:
            raw = self._raw(self.start, (HOUR, MINUTE))
            return summarise(raw, step, self._counters())
        base = _BASE_STEP[tier]
        planes = self._stored_rollup(ROLLUP_MINUTE if tier == BY_MINUTE else ROLLUP_HOUR, base)
        recent = self._recent(base)
        if recent is not None:
            planes[:, :, -recent.shape[2] :] = overlay(planes[:, :, -recent.shape[2] :], recent)
        return regroup(planes, step // base, self._counters())

    def _recent(self, base: int) -> np.ndarray | None:
        """Summary of what is not packed yet, from the first bucket that holds any of it to the end."""
        starts = [block.key.start for block in self.store.blocks(MINUTE, self.node, self.start, self.end)]
        if (
            self.ring is not None
            and self.ring.newest - SLOTS + 1 < self.end
            and self.ring.newest >= self.start
        ):
            starts.append(max(self.start, self.ring.newest - SLOTS + 1))
        if not starts:
            return None
        first = max(self.start, min(starts) // base * base)
        # A bucket that is packed in part is summed from the packed readings too, or it would count less.
        return summarise(self._raw(first, (HOUR, MINUTE)), base, self._counters())

    def _raw(self, start: int, tables: tuple[str, ...]) -> np.ndarray:
        out = np.full((len(self.entities), self.end - start), MISSING, dtype=np.int64)
        for table in tables:
            for block in self.store.blocks(table, self.node, start, self.end):
                rows, columns = self._find(self.store.layout(block.key.layout))
                if rows:
                    head, planes = unpack(block.body, self.store.layout(block.key.layout), columns)
                    _lay(out[None], rows, planes, head.key.start - start)
        if self.ring is not None:
            rows, columns = self._find(self.ring.layout)
            first = max(start, self.ring.newest - SLOTS + 1)
            last = min(self.end, self.ring.newest + 1)
            if rows and first < last:
                _lay(out[None], rows, self.ring.read(first, last, columns)[None], first - start)
        return out

    def _stored_rollup(self, table: str, base: int) -> np.ndarray:
        shape = (PLANES, len(self.entities), (self.end - self.start) // base)
        out = np.full(shape, MISSING, dtype=np.int64)
        for block in self.store.blocks(table, self.node, self.start, self.end):
            layout = self.store.layout(block.key.layout)
            rows, columns = self._find(layout)
            if rows:
                head, planes = unpack(block.body, layout, columns)
                _lay(out, rows, planes, (head.key.start - self.start) // base)
        return out

    def _find(self, layout: Layout) -> tuple[list[int], list[int]]:
        """Rows of the answer and columns of the layout that belong together."""
        if layout.id not in self._places:
            pairs = [
                (self.entities.index(name), position)
                for position, column in enumerate(layout.columns)
                if column.metric == self.metric
                and (name := qualified(self.node, column.entity)) in self.entities
            ]
            if pairs:
                self.column = layout.columns[pairs[0][1]]
            self._places[layout.id] = [row for row, _ in pairs], [position for _, position in pairs]
        return self._places[layout.id]

    def _counters(self) -> np.ndarray:
        kind = self.column.kind if self.column is not None else ""
        return np.full(len(self.entities), kind == COUNTER)


def _lay(out: np.ndarray, rows: list[int], planes: np.ndarray, at: int) -> None:
    """Lay (planes, rows, slots) over `out` from slot `at`, cutting what lies outside."""
    skip, stop = max(0, -at), min(planes.shape[2], out.shape[2] - at)
    if stop > skip:
        target = (slice(None), rows, slice(at + skip, at + stop))
        out[target] = overlay(out[target], planes[:, :, skip:stop])


def _joined(first: Points, second: Points) -> Points:
    """Two nodes' readings of one accelerator that moved: where both have one, the second's."""
    pairs = ((first.mean, second.mean), (first.low, second.low), (first.high, second.high))
    return Points(*(np.where(np.isnan(new), old, new) for old, new in pairs))
