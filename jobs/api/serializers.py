"""Jobs and their attempts as JSON. Times are UTC, unknown is null, reasons carry their text."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from dcportal.common import reasons
from dcportal.common.rest.serializers import RecordSerializer, Sparse
from jobs.models import Attempt, Job
from trainer.spec.schema import json_schema

STAMPS = ["uid", "revision", "created_at", "updated_at"]
REASON = {
    "type": ["object", "null"],
    "properties": {
        "code": {"type": "string"},
        "params": {"type": "object"},
        "text": {"type": "string"},
    },
}
PROGRESS = {
    "type": "object",
    "properties": {
        "step": {"type": ["integer", "null"]},
        "total": {"type": ["integer", "null"]},
        "ratio": {"type": ["number", "null"]},
        "at": {"type": ["string", "null"], "format": "date-time"},
        "eta_at": {"type": ["string", "null"], "format": "date-time"},
    },
}


def told(stored: dict[str, Any] | None) -> dict[str, Any] | None:
    """A stored reason with its text in the reader's language."""
    return {**stored, "text": reasons.text_of(stored)} if stored else None


class JobSerializer(RecordSerializer):
    """A job as lists show it."""

    owner = serializers.CharField(source="owner.username")
    team = serializers.CharField(source="team.name")
    queue = serializers.CharField(source="queue.name")
    template = serializers.CharField(source="template.uid", default=None)
    environment = serializers.CharField(source="environment.name", default=None)
    reason = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    started_at = serializers.DateTimeField(source="running_at")
    metrics = serializers.JSONField(source="latest_metrics")

    class Meta:
        model = Job
        fields = [
            *STAMPS,
            "name",
            "kind",
            "state",
            "desired",
            "desired_by",
            "reason",
            "owner",
            "team",
            "queue",
            "template",
            "environment",
            "priority",
            "preemptible",
            "time_limit_seconds",
            "max_retries",
            "not_before",
            "ranks",
            "gpus",
            "gpu_type",
            "cpus",
            "memory_bytes",
            "engine",
            "engine_unreachable_since",
            "attempts_made",
            "retries_used",
            "retry_at",
            "queued_at",
            "starting_at",
            "started_at",
            "stopping_at",
            "ended_at",
            "progress",
            "phase",
            "metrics",
            "exit_code",
            "array_index",
            "request_hash",
        ]
        read_only_fields = fields

    @extend_schema_field(REASON)
    def get_reason(self, job: Job) -> dict[str, Any] | None:
        return told(job.reason)

    @extend_schema_field(PROGRESS)
    def get_progress(self, job: Job) -> dict[str, Any]:
        step, total = job.progress_step, job.progress_total
        ratio = min(1.0, step / total) if step is not None and total else None
        return {"step": step, "total": total, "ratio": ratio, "at": job.progress_at, "eta_at": job.eta_at}


class AttemptSerializer(serializers.ModelSerializer):
    """One start of a job. `processes` and `stop` name each process with the time it was gone."""

    node = serializers.CharField(source="node.name", default=None)
    node_uid = serializers.CharField(source="node.uid", default=None)
    cause = serializers.SerializerMethodField()

    class Meta:
        model = Attempt
        fields = [
            "uid",
            "number",
            "state",
            "engine",
            "engine_id",
            "node",
            "node_uid",
            "accelerator_uuids",
            "cpus",
            "memory_bytes",
            "cause",
            "phase",
            "raw_state",
            "raw_reason",
            "exit_code",
            "signal",
            "rank_exits",
            "restarts",
            "processes",
            "stop",
            "container",
            "code",
            "log_bytes",
            "log_dropped_bytes",
            "created_at",
            "submitted_at",
            "starting_at",
            "running_at",
            "stopping_at",
            "ended_at",
            "heartbeat_at",
        ]
        read_only_fields = fields

    @extend_schema_field(REASON)
    def get_cause(self, attempt: Attempt) -> dict[str, Any] | None:
        return told(attempt.cause)


class JobDetailSerializer(JobSerializer):
    """A job with its request, attempts, what it waits for and what the reader may do."""

    request = serializers.JSONField()
    dataset = serializers.CharField(source="dataset.name", default=None)
    cloned_from = serializers.CharField(source="cloned_from.uid", default=None)
    attempts = AttemptSerializer(many=True)
    dependencies = serializers.JSONField(source="shown_dependencies")
    allowed = serializers.DictField(source="shown_allowed", child=serializers.BooleanField())

    class Meta(JobSerializer.Meta):
        fields = [
            *JobSerializer.Meta.fields,
            "request",
            "dataset",
            "cloned_from",
            "attempts",
            "dependencies",
            "allowed",
        ]
        read_only_fields = fields


class SpecBody(Sparse):
    """A job request; its schema comes from the dataclasses in `trainer.spec`."""


class SpecBodySchema(OpenApiSerializerExtension):
    """Puts the generated schema into OpenAPI, so that a new setting appears by itself."""

    target_class = SpecBody

    def get_name(self, auto_schema: Any, direction: Any) -> str:
        return "JobSpec"

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        schema = json_schema()
        schema["properties"] |= {
            "template": {
                "type": ["string", "null"],
                "description": "Built-in name or uid of a template that fills in what is not given.",
            },
            "hold": {"type": "boolean", "default": False, "description": "Do not start before released."},
        }
        # With a template the request may leave out anything.
        schema.pop("required", None)
        schema.pop("oneOf", None)
        return schema
