"""Every Plotly figure of monitoring, built with the plotly package so that `?format=plotly` is checked by it.

Colours are the series tokens of the design; the page's own theme is applied to axes and text by the page.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import plotly.graph_objects as go
from django.utils.translation import gettext

from monitoring import catalog
from monitoring.store.layout import COUNTER
from monitoring.store.reader import Answer, Points

SERIES_COLOURS = {
    "light": ("#0072B2", "#B87A00", "#00805D", "#B65A91", "#2B87BD", "#D55E00", "#947600", "#757575"),
    "dark": ("#2E8FCB", "#E69F00", "#12AB80", "#CC79A7", "#56B4E9", "#E8711A", "#F5C710", "#9B9B9B"),
}
_DASHES = {6: "dash", 7: "dot"}  # the two weakest hues are told apart by their line as well
_TICKS = {"ratio": ".0%", "bytes": ".3s", "bytes_per_second": ".3s", "watts": ".3s"}


def unit_label(metric_id: str) -> str:
    """The unit on an axis; a counter is shown as its rate."""
    metric = catalog.find(metric_id)
    if metric is None:
        return ""
    units = {
        "ratio": "",
        "bytes": "B",
        "bytes_per_second": "B/s",
        "watts": "W",
        "joules": "J",
        "celsius": "°C",
        "megahertz": "MHz",
        "seconds": "s",
    }
    unit = units.get(metric.unit, "")
    if metric.kind != COUNTER:
        return unit
    return {"J": "W", "s": "s/s"}.get(unit, f"{unit or '1'}/s")


def lines(answer: Answer, metric_id: str, names: Mapping[str, str], theme: str = "light") -> go.Figure:
    """One line per entity over time; gaps stay gaps. `names`: what to call each entity."""
    metric = catalog.find(metric_id)
    figure = go.Figure()
    times = [datetime.fromtimestamp(second, UTC) for second in answer.times().tolist()]
    for number, (entity, points) in enumerate(answer.series.items()):
        figure.add_trace(_line(times, points, names.get(entity, entity), number, theme))
    figure.update_layout(**_layout(gettext(metric.label) if metric else metric_id))
    figure.update_yaxes(**_axis(metric_id))
    return figure


def _line(times: list[datetime], points: Points, name: str, number: int, theme: str) -> go.Scatter:
    colours = SERIES_COLOURS[theme]
    style = {"color": colours[number % 8], "width": 1.5, "dash": _DASHES.get(number % 8, "solid")}
    return go.Scatter(x=times, y=numbers(points.mean), name=name, mode="lines", connectgaps=False, line=style)


def _layout(title: str) -> dict[str, Any]:
    return {
        "template": None,
        "title": {"text": title},
        "margin": {"l": 48, "r": 12, "t": 32, "b": 28},
        "hovermode": "x unified",
        "showlegend": True,
        "legend": {"orientation": "h", "y": -0.2},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": {"type": "date"},
    }


def _axis(metric_id: str) -> dict[str, Any]:
    metric = catalog.find(metric_id)
    axis: dict[str, Any] = {
        "rangemode": "tozero",
        "fixedrange": False,
        "title": {"text": unit_label(metric_id)},
    }
    if metric is not None and metric.kind != COUNTER and metric.unit in _TICKS:
        axis["tickformat"] = _TICKS[metric.unit]
    if metric is not None and metric.maximum is not None:
        axis["range"] = [0, metric.maximum]
    return axis


def numbers(values: np.ndarray) -> list[float | None]:
    """JSON-able values: a gap is None, six significant digits otherwise."""
    gaps = np.isnan(values)
    return [None if gap else float(f"{value:.6g}") for value, gap in zip(values.tolist(), gaps, strict=True)]
