"""The view set that lists, shows, creates, changes and deletes rows through actions."""

from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from dcportal.common.actors import Actor
from dcportal.common.base import Record
from dcportal.common.clock import utcnow
from dcportal.common.ids import UID_PATTERN
from dcportal.common.problems import Invalid, NotFound, Problem
from dcportal.common.rest.revisions import expected_revision, tagged

ALWAYS = {"format"}
OF_LISTS = {"limit", "cursor", "ordering", "fields"}


class RecordViewSet(GenericViewSet):
    """Lists and shows rows. A subclass gives `queryset` or `rows(actor)`, a serializer and a filter set.

    Writing views mix in `Creates`, `Edits`, `Deletes`. Query parameters that nobody reads are refused.
    """

    queryset: QuerySet[Any] | None = None
    lookup_field = "uid"
    lookup_value_regex = UID_PATTERN
    ordering_fields: ClassVar[list[str]] = []
    write_scope = "admin"
    own_parameters: ClassVar[set[str]] = set()

    @property
    def actor(self) -> Actor:
        """Who asks; set by the permission check, which ran before."""
        return cast(Any, self.request._request)._dcp_actor

    def rows(self, actor: Actor) -> Any:
        """The rows that `actor` may know of."""
        assert self.queryset is not None
        return self.queryset.all()

    def decorate(self, rows: list[Any]) -> None:
        """Add to a page of rows what one query per page can tell of all of them."""

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return self.rows(self.actor)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self._require_known_parameters(request)

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        assert page is not None
        self.decorate(page)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, uid: str) -> Response:
        return self.shown(self.row(uid))

    def row(self, uid: str) -> Any:
        """The row with this uid; NotFound when missing or not visible, alike."""
        row = self.get_queryset().filter(uid=uid).first()
        if row is None:
            raise NotFound()
        return row

    def shown(self, row: Record, status_code: int = status.HTTP_200_OK) -> Response:
        """The row as it is now."""
        self.decorate([row])
        response = Response(self.get_serializer(row).data, status=status_code)
        self._row = row
        return response

    def checked(self, request: Request, *, partial: bool = False) -> dict[str, Any]:
        """The request body after type checks; meaning is checked by the action."""
        serializer = self.get_serializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.streaming:
            return response
        row: Record | None = getattr(self, "_row", None)
        if response.status_code == status.HTTP_200_OK and (request.method == "GET" or row is not None):
            return tagged(request, response, row)
        return response

    def _require_known_parameters(self, request: Request) -> None:
        known = ALWAYS | self.own_parameters | {"fields"}
        if self.action == "list":
            filters = getattr(getattr(self, "filterset_class", None), "base_filters", {})
            known = known | OF_LISTS | set(filters)
        unknown = [name for name in request.query_params if name not in known]
        if unknown:
            raise Invalid(Problem(f"/{n[:80]}", "unknown_parameter", {"name": n[:80]}) for n in unknown)


class Creates(RecordViewSet):
    """POST to the list; a subclass implements `create_row(values)`."""

    def create_row(self, values: dict[str, Any]) -> Any:
        """Call the action; returns the new row."""
        raise NotImplementedError

    def create(self, request: Request) -> Response:
        row = self.create_row(self.checked(request))
        return self.shown(self.row(row.uid), status.HTTP_201_CREATED)


class Edits(RecordViewSet):
    """PATCH; a subclass implements `edit_row(row, values, expected_revision)`."""

    def edit_row(self, row: Any, values: dict[str, Any], revision: int | None) -> None:
        """Call the action."""
        raise NotImplementedError

    def partial_update(self, request: Request, uid: str) -> Response:
        row = self.row(uid)
        revision = expected_revision(request, row)
        self.edit_row(row, self.checked(request, partial=True), revision)
        return self.shown(self.row(uid))


class Deletes(RecordViewSet):
    """DELETE; a subclass implements `delete_row(row)`."""

    def delete_row(self, row: Any) -> None:
        """Call the action."""
        raise NotImplementedError

    def destroy(self, request: Request, uid: str) -> Response:
        row = self.row(uid)
        expected_revision(request, row)
        self.delete_row(row)
        return Response(status=status.HTTP_204_NO_CONTENT)


__all__ = ["Creates", "Deletes", "Edits", "RecordViewSet", "utcnow"]
