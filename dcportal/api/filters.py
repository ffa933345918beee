"""Ordering that names its mistakes instead of ignoring them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from rest_framework.filters import OrderingFilter
from rest_framework.request import Request

from dcportal.common.problems import invalid

if TYPE_CHECKING:
    from rest_framework.views import APIView  # it reads the settings that name this module


class KnownOrdering(OrderingFilter):
    """`?ordering=name,-created_at` over the view's `ordering_fields`; anything else is a 422."""

    def remove_invalid_fields(
        self, queryset: QuerySet[Any], fields: Iterable[str], view: "APIView", request: Request
    ) -> list[str]:
        fields = list(fields)
        valid = super().remove_invalid_fields(queryset, fields, view, request)
        unknown = [field for field in fields if field not in valid]
        if unknown:
            raise invalid("/ordering", "bad_parameter", name="ordering", value=unknown[0])
        return valid
