"""Figures of a run, built with plotly: loss, accuracy, learning rate, speed over one time axis; its words."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import plotly.graph_objects as go
from django.utils.translation import gettext as _

from dcportal.common import units
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
    digits: int | None = None


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
        Kind("accuracy", _("Accuracy"), ("accuracy", "auc", "f1"), "ratio", digits=1),
        Kind("rate", _("Learning rate"), ("learning_rate", "lr")),
        Kind("speed", _("Speed"), ("per_second", "throughput"), zero_based=True),
        Kind("gradient", _("Gradient"), ("grad",)),
    ]


def known_labels() -> dict[str, str]:
    """Words for what the trainer reports; other metrics keep their own name."""
    return {
        "loss": _("Loss"),
        "accuracy": _("Accuracy"),
        "macro_f1": _("Macro F1"),
        "perplexity": _("Perplexity"),
        "learning_rate": _("Learning rate"),
        "gradient_norm": _("Gradient norm"),
        "samples_per_second": _("Samples per second"),
        "tokens_per_second": _("Tokens per second"),
    }


def label_of(metric: str) -> str:
    """`evaluation/macro_f1` -> `Macro F1, evaluation`; a metric of a script stays as it named it."""
    name = metric.removeprefix(EVALUATION + "/")
    words = known_labels().get(name, name.replace("_", " "))
    return _("{metric}, evaluation").format(metric=words) if metric.startswith(EVALUATION) else words


def plain(value: Any) -> Any:
    """The number of a stored figure, which may carry its step."""
    return value.get("value") if isinstance(value, dict) else value


def value_text(metric: str, value: object) -> str:
    """A figure as people read it: shares in percent, counts with thousands, else four digits."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return units.MISSING
    kind = kind_of(metric)
    if kind is not None and kind.unit == "ratio":
        return units.percent(value, 1)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def rank_of(metric: str) -> tuple[int, bool, str]:
    """Sort key: in the order of the charts, training before evaluation."""
    ids = [kind.id for kind in kinds()]
    kind = kind_of(metric)
    return (ids.index(kind.id) if kind else len(ids), metric.startswith(EVALUATION), metric)


def kind_of(metric: str) -> Kind | None:
    return next((kind for kind in kinds() if any(word in metric for word in kind.words)), None)


def grouped(curves: Iterable[Curve]) -> list[tuple[Kind, list[Curve]]]:
    """The charts to draw, with a chart of its own for each metric that fits no kind (six at most)."""
    every = sorted(curves, key=lambda curve: (curve.metric.startswith(EVALUATION), curve.metric))
    groups = [(kind, [curve for curve in every if kind_of(curve.metric) == kind]) for kind in kinds()]
    others = [curve for curve in every if kind_of(curve.metric) is None][:6]
    groups += [(Kind(curve.metric, label_of(curve.metric), ()), [curve]) for curve in others]
    return [(kind, members) for kind, members in groups if members]


def marks_of(checkpoints: Iterable[Checkpoint]) -> list[dict[str, Any]]:
    """A diamond on the time axis for each checkpoint."""
    return [{"x": saved.saved_at.timestamp(), "label": str(saved.step)} for saved in checkpoints]


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
    figure.update_layout(
        meta={
            **span_meta(span),
            "unit": kind.unit,
            "digits": kind.digits,
            "zero_based": kind.zero_based,
            "marks": marks_of(checkpoints),
        },
        template=None,
    )
    return figure.to_plotly_json()
