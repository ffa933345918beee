"""REST of what jobs are made from: environments, data sets, secrets, queues, uploaded code."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from dcportal.common.problems import invalid
from dcportal.common.rest.revisions import expected_revision
from dcportal.common.rest.serializers import RecordSerializer
from dcportal.common.rest.views import Creates, Edits, RecordViewSet
from dcportal.common.visibility import visible_to
from jobs import access, actions
from jobs.api.serializers import STAMPS
from jobs.models import CodeUpload, Dataset, Environment, Queue, Secret


class TeamNamed(RecordSerializer):
    """A row whose team is written and read by its name."""

    team = serializers.CharField(source="team.name", required=False, default=None, allow_null=True)
    owner = serializers.CharField(source="owner.username", read_only=True, default=None)


class EnvironmentSerializer(TeamNamed):
    for_site = serializers.BooleanField(write_only=True, required=False)
    check_result = serializers.JSONField(read_only=True)

    class Meta:
        model = Environment
        fields = [
            *STAMPS,
            "name",
            "description",
            "interpreter",
            "is_default",
            "team",
            "owner",
            "for_site",
            "check_result",
            "checked_at",
        ]
        read_only_fields = [*STAMPS, "is_default", "checked_at"]


class DatasetSerializer(TeamNamed):
    readers: serializers.Field = serializers.SlugRelatedField(slug_field="name", many=True, read_only=True)

    class Meta:
        model = Dataset
        fields = [
            *STAMPS,
            "name",
            "description",
            "path",
            "size_bytes",
            "num_files",
            "fingerprint",
            "scanned_at",
            "team",
            "owner",
            "readers",
        ]
        read_only_fields = [*STAMPS, "size_bytes", "num_files", "fingerprint", "scanned_at"]


class DatasetWriteSerializer(DatasetSerializer):
    readers = serializers.ListField(child=serializers.CharField(max_length=64), required=False)


class SecretSerializer(TeamNamed):
    value = serializers.CharField(write_only=True, trim_whitespace=False)

    class Meta:
        model = Secret
        fields = [*STAMPS, "name", "description", "team", "owner", "value", "last_used_at"]
        read_only_fields = [*STAMPS, "last_used_at"]


class QueueSerializer(RecordSerializer):
    class Meta:
        model = Queue
        fields = [*STAMPS, "name", "description", "weight", "is_open", "is_default"]
        read_only_fields = [*STAMPS, "is_default"]


class UploadSerializer(TeamNamed):
    class Meta:
        model = CodeUpload
        fields = [*STAMPS, "file_name", "size_bytes", "sha256", "team", "owner"]
        read_only_fields = fields


def team_name(values: dict[str, Any]) -> str | None:
    """The team as written, taken out of the checked values."""
    return (values.pop("team", None) or {}).get("name")


class Asset(Creates, Edits, RecordViewSet):
    """Rows that users make for their team."""

    write_scope = "jobs"
    ordering_fields = ["name", "created_at"]
    ordering = ["name"]

    def destroy(self, request: Request, uid: str) -> Response:
        row = self.row(uid)
        self.remove(row, expected_revision(request, row))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def remove(self, row: Any, revision: int | None) -> None:
        raise NotImplementedError


class EnvironmentViewSet(Asset):
    """Pythons that jobs run in."""

    queryset = Environment.objects.all()
    serializer_class = EnvironmentSerializer

    def rows(self, actor: Actor) -> Any:
        return access.shared_visible_to(Environment.objects.select_related("team", "owner"), actor)

    def create_row(self, values: dict[str, Any]) -> Environment:
        return actions.add_environment(
            self.actor,
            values["name"],
            values["interpreter"],
            utcnow(),
            description=values.get("description", ""),
            team=team_name(values),
            for_site=values.get("for_site", False),
        )

    def edit_row(self, row: Environment, values: dict[str, Any], revision: int | None) -> None:
        team_name(values)
        actions.edit_environment(self.actor, row, values, utcnow(), revision)

    def remove(self, row: Environment, revision: int | None) -> None:
        actions.remove_environment(self.actor, row, utcnow(), revision)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def check(self, request: Request, uid: str) -> Response:
        """Run it and keep what it says of Python, torch and CUDA; takes some seconds."""
        return self.shown(actions.check_environment(self.actor, self.row(uid), utcnow()))


class DatasetViewSet(Asset):
    """Data on the server's disks."""

    queryset = Dataset.objects.all()
    serializer_class = DatasetSerializer

    def rows(self, actor: Actor) -> Any:
        return access.datasets_visible_to(actor).prefetch_related("readers")

    def get_serializer_class(self) -> type[DatasetSerializer]:
        writes = self.request is not None and self.request.method in ("POST", "PATCH")
        return DatasetWriteSerializer if writes and self.action != "scan" else DatasetSerializer

    def shown(self, row: Any, status_code: int = status.HTTP_200_OK) -> Response:
        response = Response(
            DatasetSerializer(row, context=self.get_serializer_context()).data, status=status_code
        )
        self._row = row
        return response

    def create_row(self, values: dict[str, Any]) -> Dataset:
        return actions.add_dataset(
            self.actor,
            values["name"],
            values["path"],
            utcnow(),
            description=values.get("description", ""),
            team=team_name(values),
            readers=values.get("readers", []),
        )

    def edit_row(self, row: Dataset, values: dict[str, Any], revision: int | None) -> None:
        team_name(values)
        actions.edit_dataset(self.actor, row, values, utcnow(), revision)

    def remove(self, row: Dataset, revision: int | None) -> None:
        actions.remove_dataset(self.actor, row, utcnow(), revision)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def scan(self, request: Request, uid: str) -> Response:
        """Measure size and fingerprint again."""
        return self.shown(actions.scan_dataset(self.actor, self.row(uid), utcnow()))


class SecretViewSet(Asset):
    """Values that jobs get as variables. No answer ever holds one."""

    queryset = Secret.objects.all()
    serializer_class = SecretSerializer

    def rows(self, actor: Actor) -> Any:
        return visible_to(Secret.objects.select_related("team", "owner").defer("ciphertext"), actor)

    def create_row(self, values: dict[str, Any]) -> Secret:
        return actions.add_secret(
            self.actor,
            values["name"],
            values["value"],
            utcnow(),
            description=values.get("description", ""),
            team=team_name(values),
        )

    def edit_row(self, row: Secret, values: dict[str, Any], revision: int | None) -> None:
        team_name(values)
        if "name" in values:
            raise invalid("/name", "read_only")
        actions.replace_secret(
            self.actor,
            row,
            utcnow(),
            value=values.get("value"),
            description=values.get("description"),
            expected=revision,
        )

    def remove(self, row: Secret, revision: int | None) -> None:
        actions.remove_secret(self.actor, row, utcnow(), revision)


class QueueViewSet(Asset):
    """Lines in which jobs wait; operators of the site make and change them."""

    queryset = Queue.objects.all()
    serializer_class = QueueSerializer

    def rows(self, actor: Actor) -> Any:
        return access.shared_visible_to(Queue.objects.all(), actor)

    def create_row(self, values: dict[str, Any]) -> Queue:
        name = values.pop("name")
        return actions.add_queue(self.actor, name, utcnow(), **values)

    def edit_row(self, row: Queue, values: dict[str, Any], revision: int | None) -> None:
        actions.edit_queue(self.actor, row, values, utcnow(), revision)

    def remove(self, row: Queue, revision: int | None) -> None:
        actions.remove_queue(self.actor, row, utcnow(), revision)


class UploadViewSet(RecordViewSet):
    """Archives of code, at most 50 MB; the uid goes into `code.upload` of a request."""

    queryset = CodeUpload.objects.all()
    serializer_class = UploadSerializer
    write_scope = "jobs"
    ordering = ["-id"]
    parser_classes = [MultiPartParser]

    def rows(self, actor: Actor) -> Any:
        return visible_to(CodeUpload.objects.select_related("team", "owner"), actor)

    @extend_schema(
        request={
            "multipart/form-data": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "team": {"type": "string"},
                },
            }
        },
        responses={201: UploadSerializer},
    )
    def create(self, request: Request) -> Response:
        """Keep an archive (zip or tar) in the field `file`."""
        file = request.FILES.get("file")
        if file is None:
            raise invalid("/file", "required")
        team = request.POST.get("team") or None
        row = actions.add_upload(self.actor, file.name or "", file.chunks(), utcnow(), team=team)
        return self.shown(self.row(row.uid), status.HTTP_201_CREATED)
