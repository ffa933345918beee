"""REST of job templates."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from dcportal.common.rest.revisions import expected_revision
from dcportal.common.rest.serializers import RecordSerializer
from dcportal.common.rest.views import Creates, RecordViewSet
from jobs import access, actions, queries, sharing
from jobs.api.parameters import bad
from jobs.api.serializers import STAMPS
from jobs.models import JobTemplate


class JobTemplateSerializer(RecordSerializer):
    """A request to start from. `slug` is what `dcp submit` and the field `template` of a job take."""

    slug = serializers.SerializerMethodField()
    team = serializers.CharField(source="team.name", required=False, default=None, allow_null=True)
    owner = serializers.CharField(source="owner.username", read_only=True, default=None)
    for_site = serializers.BooleanField(write_only=True, required=False)
    from_job = serializers.CharField(write_only=True, required=False, max_length=12)
    request = serializers.JSONField(required=False)
    locked = serializers.JSONField(required=False)

    class Meta:
        model = JobTemplate
        fields = [
            *STAMPS,
            "slug",
            "family",
            "version",
            "name",
            "description",
            "icon",
            "request",
            "locked",
            "team",
            "owner",
            "for_site",
            "from_job",
            "builtin",
            "superseded_at",
            "retired_at",
        ]
        read_only_fields = [*STAMPS, "family", "version", "icon", "builtin", "superseded_at", "retired_at"]

    def get_slug(self, template: JobTemplate) -> str:
        return template.builtin or template.uid


class JobTemplateViewSet(Creates, RecordViewSet):
    """Templates of the site and of one's teams; the newest version of each unless `versions=all`."""

    queryset = JobTemplate.objects.all()
    serializer_class = JobTemplateSerializer
    write_scope = "jobs"
    own_parameters = {"versions"}
    ordering_fields = ["name", "created_at"]
    ordering = ["name"]

    def rows(self, actor: Actor) -> Any:
        wanted = self.request.query_params.get("versions", "current")
        if wanted not in ("all", "current"):
            raise bad("versions", wanted)
        if self.action == "list" and wanted == "current":
            return sharing.current_templates(actor)
        return access.shared_visible_to(JobTemplate.objects.select_related("team", "owner"), actor)

    def create_row(self, values: dict[str, Any]) -> JobTemplate:
        rest = {
            "description": values.get("description", ""),
            "locked": values.get("locked", []),
            "for_site": values.get("for_site", False),
        }
        team = (values.get("team") or {}).get("name")
        if team:
            rest["team"] = team
        if values.get("from_job"):
            job = queries.visible_job(self.actor, values["from_job"])
            return actions.save_job_as_template(self.actor, job, values["name"], utcnow(), **rest)
        return actions.save_template(self.actor, values["name"], values.get("request"), utcnow(), **rest)  # type: ignore[arg-type]

    def partial_update(self, request: Request, uid: str) -> Response:
        """Make the next version; the answer is the new row, with a uid of its own."""
        row = self.row(uid)
        values = self.checked(request, partial=True)
        values.pop("team", None)
        changed = actions.edit_template(self.actor, row, values, utcnow(), expected_revision(request, row))
        return self.shown(self.row(changed.uid))

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def retire(self, request: Request, uid: str) -> Response:
        """Make no more jobs from it."""
        row = self.row(uid)
        actions.retire_template(self.actor, row, utcnow(), expected_revision(request, row))
        return self.shown(self.row(uid), status.HTTP_200_OK)
