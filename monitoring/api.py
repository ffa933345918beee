"""`/api/v1/telemetry/`: readings for pages, scripts and notebooks."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter
from rest_framework.viewsets import ViewSet

from dcportal.common.clock import utcnow
from dcportal.common.problems import NotFound, invalid
from dcportal.inventory.models import Accelerator, Node
from monitoring import catalog, queries
from monitoring.figures import label_of, lines, numbers, unit_of
from monitoring.parameters import SeriesRequest, series_request
from monitoring.store.reader import Answer


class PlotlyRenderer(JSONRenderer):
    """`?format=plotly`: a figure instead of columns."""

    format = "plotly"


SERIES_PARAMETERS = [
    OpenApiParameter(
        "entity", str, many=True, required=True, description="node uid, GPU UUID, `<uid>:disk:sda`"
    ),
    OpenApiParameter("metric", str, many=True, required=True, description="see /telemetry/metrics"),
    OpenApiParameter("from", str, description="time, Unix seconds, or `-1h`; default -1h"),
    OpenApiParameter("to", str, description="as `from`; default now"),
    OpenApiParameter("range", str, description="`live`, `24h`: instead of `from`"),
    OpenApiParameter("points", int, description="1 to 5000; default 600"),
    OpenApiParameter("spread", str, enum=["0", "1"], description="1: minimum and maximum too"),
    OpenApiParameter("format", str, enum=["json", "plotly"]),
]


class TelemetryViewSet(ViewSet):
    """Readings: history, newest, and what each metric means."""

    renderer_classes = [JSONRenderer, PlotlyRenderer]

    @extend_schema(
        operation_id="telemetry_series", parameters=SERIES_PARAMETERS, responses=OpenApiTypes.OBJECT
    )
    @action(detail=False)
    def series(self, request: Request) -> Response:
        """History of metrics, at most 5000 points a series; gaps are null. `format=plotly`: one figure."""
        now = utcnow()
        wanted = series_request(request.query_params, now)
        answers = {
            metric: queries.series(wanted.entities, metric, wanted.start, wanted.end, wanted.points, now)
            for metric in wanted.metrics
        }
        if getattr(request.accepted_renderer, "format", "") == "plotly":
            return Response(lines(answers, entity_names(wanted.entities)))
        return Response(_columns(answers, wanted))

    @extend_schema(
        operation_id="telemetry_latest",
        parameters=[OpenApiParameter("node", str, required=True, description="node uid")],
        responses=OpenApiTypes.OBJECT,
    )
    @action(detail=False)
    def latest(self, request: Request) -> Response:
        """The newest reading of a node; null where nothing was read."""
        if not (uid := request.query_params.get("node", "")):
            raise invalid("/node", "required")
        node = Node.objects.filter(uid=uid).first() if uid.isalnum() else None
        if node is None:
            raise NotFound()
        reading = queries.latest(node.uid, utcnow())
        return Response(
            {
                "node": node.uid,
                "name": node.name,
                "liveness": node.liveness,
                "last_seen": node.last_seen_at,
                "simulated": node.is_simulated,
                "at": reading.at if reading else None,
                "entities": reading.values if reading else {},
            }
        )

    @extend_schema(operation_id="telemetry_metrics", responses=OpenApiTypes.OBJECT)
    @action(detail=False)
    def metrics(self, request: Request) -> Response:
        """Every metric: unit, label, what it is measured on."""
        return Response({"metrics": [_described(metric) for metric in catalog.METRICS.values()]})


def register(router: BaseRouter) -> None:
    """Called by `dcportal.api.urls`."""
    router.register("telemetry", TelemetryViewSet, basename="telemetry")


def _described(metric: catalog.Metric) -> dict[str, Any]:
    fields = ("id", "entity", "part", "unit", "kind", "group", "maximum")
    return {**{name: getattr(metric, name) for name in fields}, "label": label_of(metric.id)}


def _columns(answers: dict[str, Answer], wanted: SeriesRequest) -> dict[str, Any]:
    """All answers share range and number of points, hence tier, step and times."""
    first = next(iter(answers.values()))
    full = max(answers.values(), key=lambda answer: len(answer.series))
    rows = [
        _series(metric, entity, points, wanted.spread)
        for metric, answer in answers.items()
        for entity, points in answer.series.items()
    ]
    return {
        "from": wanted.start,
        "to": wanted.end,
        "tier": first.tier,
        "step": first.step,
        "times": full.times().tolist(),
        "series": rows,
    }


def _series(metric_id: str, entity: str, points: Any, spread: bool) -> dict[str, Any]:
    row = {
        "id": f"{entity}/{metric_id}",
        "entity": entity,
        "metric": metric_id,
        "unit": unit_of(metric_id),
        "mean": numbers(points.mean),
    }
    return {**row, "low": numbers(points.low), "high": numbers(points.high)} if spread else row


def entity_names(entities: list[str]) -> dict[str, str]:
    """What people call each entity: the node's name, `GPU 3` of a node, the part of a node."""
    heads = {entity.partition(":")[0] for entity in entities}
    nodes = dict(Node.objects.filter(uid__in=heads).values_list("uid", "name"))
    names = {}
    for entity in entities:
        node, _, part = entity.partition(":")
        if node in nodes:
            names[entity] = f"{nodes[node]} {part}".strip()
    for gpu in Accelerator.objects.filter(uuid__in=entities).select_related("node"):
        names[gpu.uuid] = f"{gpu.node.name} GPU {gpu.index if gpu.index is not None else '?'}"
    return names
