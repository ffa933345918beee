"""REST of jobs."""

from collections.abc import Mapping
from typing import Any

from django.http import FileResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from dcportal.common.problems import Invalid, invalid
from dcportal.common.rest.revisions import expected_revision
from dcportal.common.rest.serializers import Strict
from dcportal.common.rest.views import RecordViewSet
from jobs import actions, board, notation, queries, sharing
from jobs.actions import submission
from jobs.api import reading
from jobs.api.parameters import filters
from jobs.api.serializers import JobDetailSerializer, JobSerializer, SpecBody
from jobs.models import Job, JobTemplate
from jobs.queries.details import allowed_actions, dependencies_state
from jobs.queries.lists import FILTERS

KEY_HEADER = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="The same key with the same body makes one job, for 24 hours.",
)
LIST_PARAMETERS = [OpenApiParameter(name, str) for name in FILTERS]
Verb = Any


class PlotlyRenderer(JSONRenderer):
    """`?format=plotly`: figures instead of columns."""

    format = "plotly"


class PrioritySerializer(Strict):
    priority = serializers.IntegerField(min_value=-1000, max_value=1000)


class UidsSerializer(Strict):
    jobs = serializers.ListField(child=serializers.CharField(max_length=12), max_length=500, min_length=1)


class JobViewSet(RecordViewSet):
    """Jobs of one's teams."""

    queryset = Job.objects.all()
    serializer_class = JobSerializer
    write_scope = "jobs"
    ordering_fields = ["created_at", "name", "priority"]
    ordering = ["-id"]

    @property
    def own_parameters(self) -> set[str]:  # type: ignore[override]
        return {"list": set(FILTERS), "counts": set()}.get(
            self.action, reading.PARAMETERS.get(self.action, set())
        )

    def rows(self, actor: Actor) -> Any:
        return queries.jobs_list(actor)

    def filter_queryset(self, rows: Any) -> Any:
        parameters = filters(self.request.query_params) if self.action == "list" else {}
        return super().filter_queryset(queries.filtered(rows, parameters, self.actor))

    def row(self, uid: str) -> Job:
        return queries.visible_job(self.actor, uid)

    def get_serializer_class(self) -> type[JobSerializer]:
        return JobSerializer if self.action == "list" else JobDetailSerializer

    def decorate(self, rows: list[Job]) -> None:
        if self.action == "list":
            return
        for job in rows:
            job.shown_dependencies = dependencies_state(job)  # type: ignore[attr-defined]
            job.shown_allowed = allowed_actions(job, self.actor)  # type: ignore[attr-defined]

    @extend_schema(parameters=LIST_PARAMETERS)
    def list(self, request: Request) -> Response:
        return super().list(request)

    @extend_schema(request=SpecBody, responses={201: JobDetailSerializer}, parameters=[KEY_HEADER])
    def create(self, request: Request) -> Response:
        """Queue a job. A template's settings are taken where the request gives none."""
        body, template, hold = split_body(self.actor, request.data)
        job, repeated = actions.submit_once(
            self.actor,
            body,
            request.headers.get("Idempotency-Key"),
            utcnow(),
            template=template,
            hold=hold,
        )
        response = self.shown(self.row(job.uid), status.HTTP_201_CREATED)
        if repeated:
            response["Idempotent-Replayed"] = "true"
        return response

    @extend_schema(request=PrioritySerializer)
    def partial_update(self, request: Request, uid: str) -> Response:
        """Change the priority of a waiting job."""
        job = self.row(uid)
        expected = expected_revision(request, job)
        asked = PrioritySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        actions.set_priority(self.actor, job, asked.validated_data["priority"], utcnow(), expected)
        return self.shown(self.row(uid))

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, uid: str) -> Response:
        """Want it stopped. Its state stays `stopping` until none of its processes is left."""
        return self._wish(request, uid, actions.cancel)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def hold(self, request: Request, uid: str) -> Response:
        """Keep a waiting job from starting."""
        return self._wish(request, uid, actions.hold)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def release(self, request: Request, uid: str) -> Response:
        """Let a held job start again."""
        return self._wish(request, uid, actions.release)

    def _wish(self, request: Request, uid: str, wish: Verb) -> Response:
        job = self.row(uid)
        wish(self.actor, job, utcnow(), expected_revision(request, job))
        return self.shown(self.row(uid))

    @extend_schema(request=SpecBody, responses={201: JobDetailSerializer})
    @action(detail=True, methods=["post"])
    def clone(self, request: Request, uid: str) -> Response:
        """A new job with the same request; the body names what is different."""
        if not isinstance(request.data, Mapping):
            raise invalid("", "wrong_type", expected="table")
        changes = dict(request.data)
        hold = taken_flag(changes, "hold")
        job = actions.clone(self.actor, self.row(uid), changes, utcnow(), hold=hold)
        return self.shown(self.row(job.uid), status.HTTP_201_CREATED)

    @extend_schema(request=SpecBody, responses=OpenApiTypes.OBJECT)
    @action(detail=False, methods=["post"])
    def validate(self, request: Request) -> Response:
        """What the request would become: every default filled in, and its TOML. Starts nothing."""
        body, template, _hold = split_body(self.actor, request.data)
        whole, problems = submission.check(self.actor, body, template)
        if problems:
            raise Invalid(problems)
        return Response({"request": whole, "toml": notation.to_toml(whole)})

    @extend_schema(operation_id="jobs_cancel_many", request=UidsSerializer, responses=OpenApiTypes.OBJECT)
    @action(detail=False, methods=["post"], url_path="cancel", url_name="cancel-many")
    def cancel_many(self, request: Request) -> Response:
        """Cancel up to 500 jobs; says for each that could not be cancelled why."""
        asked = UidsSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(actions.cancel_many(self.actor, asked.validated_data["jobs"], utcnow()))

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=False)
    def counts(self, request: Request) -> Response:
        """Number of visible jobs by state."""
        return Response(queries.state_counts(self.actor))

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=False, url_path="free-gpus")
    def free_gpus(self, request: Request) -> Response:
        """GPUs that a job could get now, by type. Simulated and watch-only ones do not count."""
        return Response(reading.board_json(board.free_board()))

    @extend_schema(parameters=reading.LOG_PARAMETERS, responses=OpenApiTypes.OBJECT)
    @action(detail=True)
    def logs(self, request: Request, uid: str) -> HttpResponseBase:
        """A window of the log by byte offsets; a negative offset counts from the end."""
        if reading.flag(request.query_params, "download"):
            return reading.log_file(self.row(uid), request.query_params)
        return Response(reading.logs(self.row(uid), request.query_params))

    @extend_schema(parameters=reading.EVENT_PARAMETERS, responses=OpenApiTypes.OBJECT)
    @action(detail=True)
    def events(self, request: Request, uid: str) -> Response:
        """What happened, in order of seq; `after` reads on."""
        return Response(reading.events(self.row(uid), request.query_params))

    @extend_schema(parameters=reading.METRIC_PARAMETERS, responses=OpenApiTypes.OBJECT)
    @action(detail=True, renderer_classes=[JSONRenderer, PlotlyRenderer])
    def metrics(self, request: Request, uid: str) -> Response:
        """Curves by metric, at most 5,000 points each. `format=plotly`: the figures of the job page."""
        job = self.row(uid)
        if getattr(request.accepted_renderer, "format", "") == "plotly":
            return Response(reading.metric_figures(job, request.query_params))
        return Response(reading.metrics(job, request.query_params))

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True)
    def artifacts(self, request: Request, uid: str) -> Response:
        """Files that the attempts left in their artifacts folder, and their checkpoints."""
        return Response(reading.artifacts(self.row(uid)))

    @extend_schema(
        parameters=[OpenApiParameter("path", str, required=True), OpenApiParameter("attempt", int)],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    @action(detail=True, url_path="artifacts/content", url_name="artifact-content")
    def artifact_content(self, request: Request, uid: str) -> FileResponse:
        """One artifact as a download."""
        return reading.artifact_file(self.row(uid), request.query_params)


def split_body(actor: Actor, data: Any) -> tuple[dict[str, Any], JobTemplate | None, bool]:
    """(the request itself, its template, whether to hold it). Raises Invalid."""
    if not isinstance(data, Mapping):
        raise invalid("", "wrong_type", expected="table")
    body = dict(data)
    named = body.pop("template", None)
    hold = taken_flag(body, "hold")
    return body, sharing.find_template(actor, named), hold


def taken_flag(body: dict[str, Any], name: str) -> bool:
    """Take a true or false out of the body. Raises Invalid."""
    value = body.pop(name, False)
    if not isinstance(value, bool):
        raise invalid(f"/{name}", "wrong_type", expected="boolean")
    return value
