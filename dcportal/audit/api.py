"""REST of the trail: read only."""

from typing import Any

from rest_framework import serializers
from rest_framework.routers import BaseRouter

from dcportal.audit import filters, queries
from dcportal.audit.models import AuditEntry
from dcportal.common.actors import Actor
from dcportal.common.rest.serializers import Sparse
from dcportal.common.rest.views import RecordViewSet


class AuditSerializer(Sparse, serializers.ModelSerializer):
    """Who did what to what, when, from where; `before` and `after` hold only what differs."""

    class Meta:
        model = AuditEntry
        fields = [
            "uid",
            "at",
            "actor_kind",
            "actor_uid",
            "actor_name",
            "via",
            "ip",
            "request_id",
            "verb",
            "target_type",
            "target_uid",
            "target_name",
            "before",
            "after",
        ]
        read_only_fields = fields


class AuditViewSet(RecordViewSet):
    """The append-only trail, newest first."""

    queryset = AuditEntry.objects.all()
    serializer_class = AuditSerializer
    filterset_class = filters.AuditFilters
    ordering_fields = ["at"]
    ordering = ["-id"]

    def rows(self, actor: Actor) -> Any:
        return queries.entries_visible_to(actor)


def register(router: BaseRouter) -> None:
    """Add the trail's route below `/api/v1/`."""
    router.register("audit", AuditViewSet)
