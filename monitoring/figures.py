"""Every Plotly figure of monitoring, built with the plotly package, so that wrong attributes fail here.

What a page needs beyond Plotly (unit, hue, live series) is in `meta`, which `static/js/charts/spec.js`
reads. Colours come from the page's tokens by hue.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from django.utils.translation import gettext

from monitoring import catalog, queries
from monitoring.store.layout import COUNTER
from monitoring.store.reader import Answer, Points

LIVE_WINDOW_SECONDS = 300


def unit_of(metric_id: str) -> str:
    """The unit that values are shown in; a counter is shown as its rate."""
    metric = catalog.find(metric_id)
    if metric is None:
        return "ratio" if metric_id in queries.SHARES else ""
    return f"{metric.unit}_per_second" if metric.kind == COUNTER else metric.unit


def lines(
    answers: Mapping[str, Answer], names: Mapping[str, str], limits: Iterable[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """One chart: a line per entity and metric over unix seconds; gaps stay gaps.

    `answers` by metric id (of one unit), `names`: what to call each entity, `limits`: {value, label, tone}.
    """
    figure = go.Figure()
    several = len(answers) > 1
    for metric_id, answer in answers.items():
        times = answer.times().tolist()
        for entity, points in answer.series.items():
            label = line_name(names.get(entity, entity), metric_id if several else "")
            figure.add_trace(_line(times, points, label, f"{entity}/{metric_id}", len(figure.data)))
    figure.update_layout(template=None, meta=_meta(next(iter(answers)), limits))
    if _is_share(answers):
        figure.update_yaxes(range=[0, 1])
    return figure.to_plotly_json()


def line_name(entity_name: str, metric_id: str) -> str:
    """What the legend calls a line; a name of `""` leaves only the metric."""
    parts = [entity_name, label_of(metric_id) if metric_id else ""]
    return " · ".join(part for part in parts if part)


def label_of(metric_id: str) -> str:
    """The metric's name in the reader's language."""
    metric = catalog.find(queries.SHARES.get(metric_id, metric_id))
    return gettext(metric.label) if metric else metric_id


def _line(times: list[int], points: Points, name: str, series: str, number: int) -> go.Scatter:
    meta = {"series": series, "hue": number % 8 + 1}
    return go.Scatter(x=times, y=numbers(points.mean), name=name, mode="lines", connectgaps=False, meta=meta)


def _meta(metric_id: str, limits: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "unit": "" if unit_of(metric_id) == "processes" else unit_of(metric_id),
        "x": "time",
        "window_seconds": LIVE_WINDOW_SECONDS,
        "zero_based": "temperature" not in metric_id,
        "limits": [dict(limit) for limit in limits],
    }


def _is_share(answers: Mapping[str, Answer]) -> bool:
    return all(unit_of(metric_id) == "ratio" for metric_id in answers)


def numbers(values: np.ndarray) -> list[float | None]:
    """JSON-able values: a gap is None, six significant digits otherwise."""
    gaps = np.isnan(values)
    return [None if gap else float(f"{value:.6g}") for value, gap in zip(values.tolist(), gaps, strict=True)]
