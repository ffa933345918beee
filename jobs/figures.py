"""Figures of a run, built with plotly: loss, accuracy, learning rate, speed over one time axis."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import plotly.graph_objects as go
from django.utils.translation import gettext as _

from jobs.models import Checkpoint
from jobs.queries.curves import Curve

EVALUATION = "evaluation"


@dataclass(frozen=True, slots=True)
class Kind:
    """Which metrics share one chart. `is_drawn` decides by the metric's name."""

    id: str
    title: str
    words: tuple[str, ...]
    unit: str = ""
    zero_based: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """Time that the charts of a run share; `end` None while it goes on."""

    start: datetime
    end: datetime | None


def span_meta(span: Span) -> dict[str, Any]:
    """What `static/js/charts` needs to give every chart of the page the same axis."""
    end = span.end.timestamp() if span.end else None
    return {"mode": "run" if end is None else "still", "from": span.start.timestamp(), "to": end}


def kinds() -> list[Kind]:
    """Most wanted first; a metric goes to the first kind one of whose words its name holds."""
    return [
        Kind("loss", _("Loss"), ("loss", "perplexity")),
        Kind("accuracy", _("Accuracy"), ("accuracy", "auc", "f1"), "ratio"),
        Kind("rate", _("Learning rate"), ("learning_rate", "lr")),
        Kind("speed", _("Speed"), ("per_second", "throughput"), zero_based=True),
        Kind("gradient", _("Gradient"), ("grad",)),
    ]


def label_of(metric: str) -> str:
    """`evaluation/macro_f1` -> `macro f1, evaluation`."""
    words = metric.removeprefix(EVALUATION + "/").replace("_", " ")
    return _("{metric}, evaluation").format(metric=words) if metric.startswith(EVALUATION) else words


def kind_of(metric: str) -> Kind | None:
    return next((kind for kind in kinds() if any(word in metric for word in kind.words)), None)


def grouped(curves: Iterable[Curve]) -> list[tuple[Kind, list[Curve]]]:
    """The charts to draw, with a chart of its own for each metric that fits no kind (six at most)."""
    every = sorted(curves, key=lambda curve: (curve.metric.startswith(EVALUATION), curve.metric))
    groups = [(kind, [curve for curve in every if kind_of(curve.metric) == kind]) for kind in kinds()]
    others = [curve for curve in every if kind_of(curve.metric) is None][:6]
    groups += [(Kind(curve.metric, curve.metric.replace("_", " "), ()), [curve]) for curve in others]
    return [(kind, members) for kind, members in groups if members]


def run_figure(
    kind: Kind, members: Iterable[Curve], checkpoints: Iterable[Checkpoint], span: Span
) -> dict[str, Any]:
    """One chart as a Plotly figure; x is unix seconds, checkpoints are marks."""
    figure = go.Figure()
    for curve in members:
        is_evaluation = curve.metric.startswith(EVALUATION)
        figure.add_scatter(
            x=curve.times,
            y=curve.values,
            name=label_of(curve.metric),
            mode="lines+markers" if is_evaluation and len(curve.values) < 100 else "lines",
            line={"dash": "dash"} if is_evaluation else None,
            meta={"series": curve.metric},
        )
    marks = [{"x": saved.saved_at.timestamp(), "label": str(saved.step)} for saved in checkpoints]
    figure.update_layout(
        meta={
            **span_meta(span),
            "unit": kind.unit,
            "zero_based": kind.zero_based,
            "marks": marks,
        },
        template=None,
    )
    return figure.to_plotly_json()
