"""Power of the last 24 hours: the sum of what the real nodes measure. Simulated nodes enter no sum."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import plotly.graph_objects as go
from django.utils.translation import gettext as _

from dcportal.inventory.models import Accelerator, Node
from monitoring import queries

HOURS = 24
POINTS = 288  # one each five minutes
MOST_NODES = 256


def power_card(now: datetime) -> dict[str, Any] | None:
    """Figure and note of the chart; None where no node measures power."""
    nodes = list(Node.objects.filter(is_simulated=False).values_list("uid", flat=True)[:MOST_NODES])
    start = now - timedelta(hours=HOURS)
    whole = measured(nodes, "node_power_watts", start, now)
    gpus = gpus_of([uid for uid in nodes if uid not in whole["found"]])
    parts = measured(list(gpus), "gpu_power_draw_watts", start, now)
    rows = [*whole["rows"], *parts["rows"]]
    if not rows:
        return None
    num_measured = len(whole["found"] | {gpus[uuid] for uuid in parts["found"]})
    return {
        "figure": figure_of(whole["times"] or parts["times"], total(rows)),
        "note": _("measured on {n} of {all} nodes").format(n=num_measured, all=len(nodes)),
    }


def gpus_of(node_uids: list[str]) -> dict[str, str]:
    """Accelerator UUID -> node uid, for nodes without a meter of their own."""
    rows = Accelerator.objects.filter(node__uid__in=node_uids, missing_since=None)
    return dict(rows.values_list("uuid", "node__uid"))


def measured(entities: list[str], metric: str, start: datetime, end: datetime) -> dict[str, Any]:
    """Times, and the series that hold at least one reading."""
    if not entities:
        return {"times": [], "rows": [], "found": set()}
    answer = queries.series(entities, metric, start, end, POINTS, end)
    known = {key: points.mean for key, points in answer.series.items() if not np.isnan(points.mean).all()}
    return {"times": answer.times().tolist(), "rows": list(known.values()), "found": set(known)}


def total(rows: list[np.ndarray]) -> list[float | None]:
    """Sum over series at each time; a time at which none was read stays missing."""
    stack = np.vstack(rows)
    sums = np.nansum(stack, axis=0)
    present = ~np.isnan(stack).all(axis=0)
    return [float(value) if known else None for value, known in zip(sums, present, strict=True)]


def figure_of(times: list[int], watts: list[float | None]) -> dict[str, Any]:
    figure = go.Figure()
    figure.add_scatter(
        x=times, y=watts, name=_("IT power"), mode="lines", connectgaps=False, meta={"series": "it", "hue": 1}
    )
    meta = {"unit": "watts", "mode": "still", "from": times[0], "to": times[-1], "zero_based": True}
    figure.update_layout(template=None, meta=meta)
    return dict(figure.to_plotly_json())
