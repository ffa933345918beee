"""Default deny for the REST API: signed in, and a token only within its scopes."""

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from dcportal.accounts.identify import actor_of

if TYPE_CHECKING:
    from rest_framework.views import APIView  # it reads the settings that name this module


class IsSignedIn(BasePermission):
    """Reading needs the scope `read`, writing the view's `write_scope` (default `admin`)."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not (request.user and request.user.is_authenticated):
            return False
        actor = actor_of(request._request)
        if request.method in SAFE_METHODS:
            return actor.may("read") or actor.may(getattr(view, "write_scope", "admin"))
        return actor.may(getattr(view, "write_scope", "admin"))
