"""REST of webhooks and of one's own notices."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from dcportal.accounts.models import Team
from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from dcportal.common.problems import invalid
from dcportal.common.rest.revisions import expected_revision
from dcportal.common.rest.serializers import RecordSerializer
from dcportal.common.rest.views import Edits, RecordViewSet
from dcportal.notify import actions, queries
from dcportal.notify.models import Notice, Webhook

STAMPS = ["uid", "revision", "created_at", "updated_at"]


class WebhookSerializer(RecordSerializer):
    team = serializers.CharField(source="team.name")
    owner = serializers.CharField(source="owner.username", read_only=True)
    events = serializers.ListField(child=serializers.CharField(max_length=32), required=False)

    class Meta:
        model = Webhook
        fields = [*STAMPS, "name", "url", "team", "owner", "events", "is_enabled"]
        read_only_fields = STAMPS


class NewWebhookSerializer(WebhookSerializer):
    """As made: with the secret that signs its messages, shown this once."""

    secret = serializers.CharField(read_only=True)

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


class NoticeSerializer(RecordSerializer):
    class Meta:
        model = Notice
        fields = [*STAMPS, "event", "subject_uid", "payload", "read_at"]
        read_only_fields = fields


class WebhookViewSet(Edits, RecordViewSet):
    """Addresses of one's teams that are told when a job ends."""

    queryset = Webhook.objects.all()
    serializer_class = WebhookSerializer
    write_scope = "jobs"
    ordering_fields = ["name", "created_at"]
    ordering = ["name"]

    def rows(self, actor: Actor) -> Any:
        return queries.webhooks(actor)

    @extend_schema(responses={201: NewWebhookSerializer})
    def create(self, request: Request) -> Response:
        """Add one. The answer holds its secret, which is not shown again."""
        values = self.checked(request)
        team = Team.objects.filter(name=values["team"]["name"]).first()
        if team is None:
            raise invalid("/team", "webhook_foreign_team")
        rest = {"events": values["events"]} if "events" in values else {}
        row, secret = actions.add_webhook(self.actor, team, values["name"], values["url"], utcnow(), **rest)
        row.secret = secret  # type: ignore[attr-defined]
        shown = NewWebhookSerializer(row, context=self.get_serializer_context())
        return Response(shown.data, status=status.HTTP_201_CREATED)

    def edit_row(self, row: Webhook, values: dict[str, Any], revision: int | None) -> None:
        values.pop("team", None)
        actions.edit_webhook(self.actor, row, values, utcnow(), revision)

    def destroy(self, request: Request, uid: str) -> Response:
        row = self.row(uid)
        actions.remove_webhook(self.actor, row, utcnow(), expected_revision(request, row))
        return Response(status=status.HTTP_204_NO_CONTENT)


class NoticeViewSet(RecordViewSet):
    """What oneself was told."""

    queryset = Notice.objects.all()
    serializer_class = NoticeSerializer
    write_scope = "read"
    ordering = ["-id"]

    def rows(self, actor: Actor) -> Any:
        return queries.notices(actor)

    @extend_schema(request=None, responses={204: None})
    @action(detail=False, methods=["post"])
    def read(self, request: Request) -> Response:
        """All of them were seen."""
        actions.mark_read(self.actor, utcnow())
        return Response(status=status.HTTP_204_NO_CONTENT)


def register(router: BaseRouter) -> None:
    """Add the routes of notices below `/api/v1/`."""
    router.register("webhooks", WebhookViewSet)
    router.register("notices", NoticeViewSet)
