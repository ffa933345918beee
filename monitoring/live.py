"""From rings to frames: which series a topic shows, and their last seconds as float32.

Memory travels as a ratio, counters as their rate per second, everything else in the metric's own unit.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from monitoring import catalog
from monitoring.frames import Frame, Legend, Series
from monitoring.store.codec import MISSING
from monitoring.store.layout import COUNTER, Layout
from monitoring.store.reader import qualified
from monitoring.store.ring import NodeRing

COLUMNS = 5
OVERVIEW_METRICS = {
    "gpu_utilisation_ratio",
    "gpu_memory_used_ratio",
    "gpu_power_draw_watts",
    "gpu_temperature_celsius",
    "cpu_utilisation_ratio",
    "memory_used_ratio",
    "node_power_watts",
    "cpu_temperature_celsius",
}
_SHARES = {"gpu_memory_used_bytes": "gpu_memory_used_ratio", "memory_used_bytes": "memory_used_ratio"}


@dataclass(frozen=True)
class Selection:
    """Columns of one node's layout that a topic shows, and what to divide each by."""

    positions: list[int]
    divisors: np.ndarray
    counters: np.ndarray
    series: tuple[Series, ...]


def select(
    node: str, layout: Layout, memory_totals: dict[str, int], metrics: set[str] | None = None
) -> Selection:
    """The live series of a node, or those of `metrics`; `memory_totals`: bytes by layout entity."""
    chosen = [
        line
        for position, column in enumerate(layout.columns)
        for line in _lines(
            node, position, column.entity, column.metric, column.scale, column.kind, memory_totals
        )
        if metrics is None or line[3] in metrics
    ]
    return Selection(
        [position for position, *_ in chosen],
        np.array([divisor for _, divisor, *_ in chosen], dtype=float),
        np.array([is_counter for _, _, is_counter, *_ in chosen], dtype=bool),
        tuple(Series(f"{entity}/{metric}", unit) for _, _, _, metric, entity, unit in chosen),
    )


def _lines(
    node: str, position: int, entity: str, metric: str, scale: int, kind: str, totals: dict[str, int]
) -> Iterable[tuple[int, float, bool, str, str, str]]:
    name = qualified(node, entity)
    known = catalog.find(metric)
    unit = known.unit if known else ""
    if kind == COUNTER:
        yield position, scale, True, metric, name, f"{unit}_per_second"
        return
    yield position, scale, False, metric, name, unit
    if metric in _SHARES and totals.get(entity):
        yield position, scale * totals[entity], False, _SHARES[metric], name, "ratio"


def values(ring: NodeRing, chosen: Selection, newest: int, columns: int = COLUMNS) -> np.ndarray:
    """float32 (series, columns) up to and including second `newest`; NaN where nothing was read."""
    raw = ring.read(newest - columns, newest + 1, chosen.positions)
    out = np.where(raw == MISSING, np.nan, raw.astype(float))
    rates = np.diff(out, axis=1)
    rates[rates < 0] = np.nan
    out = np.where(chosen.counters[:, None], rates, out[:, 1:])
    return (out / chosen.divisors[:, None]).astype(np.float32)


def frame(topic: str, seq: int, newest: int, parts: list[tuple[NodeRing, Selection]]) -> Frame:
    """One frame over several nodes; all share the time axis that ends at `newest`."""
    rows = [values(ring, chosen, newest) for ring, chosen in parts]
    legend = Legend(tuple(each for _, chosen in parts for each in chosen.series))
    return Frame(
        topic, seq, newest, legend, np.concatenate(rows) if rows else np.empty((0, COLUMNS), np.float32)
    )
