"""Cursor pages: stable under inserts and equally cheap on page 1 and page 1,000."""

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response

from dcportal.common.problems import invalid


class CursorPages(CursorPagination):
    """`?limit=` up to 200; `next` and `previous` are addresses, also given as a Link header."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "limit"
    ordering = "-id"

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> list[Any] | None:
        limit = request.query_params.get("limit")
        if limit is not None and not (limit.isascii() and limit.isdigit() and int(limit[:6]) > 0):
            raise invalid("/limit", "bad_parameter", name="limit", value=limit[:40])
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, ValueError, TypeError, OverflowError, ValidationError) as error:
            # A forged position that is no value of the ordering column is as wrong as a torn cursor.
            raise invalid("/cursor", "bad_parameter", name="cursor", value="…") from error

    def get_paginated_response(self, data: Any) -> Response:
        response = super().get_paginated_response(data)
        links = [("next", self.get_next_link()), ("prev", self.get_previous_link())]
        response["Link"] = ", ".join(f'<{url}>; rel="{rel}"' for rel, url in links if url)
        return response
