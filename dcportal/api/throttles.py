"""A ceiling on calls per actor, so that one script cannot starve the others."""

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

if TYPE_CHECKING:
    from rest_framework.views import APIView  # it reads the settings that name this module


class PerActorThrottle(SimpleRateThrottle):
    """Counts per token or person; per address for callers who are not signed in."""

    scope = "actor"

    def get_cache_key(self, request: Request, view: "APIView") -> str:
        who = getattr(request.auth, "uid", None) or getattr(request.user, "uid", None)
        return f"throttle:{who or self.get_ident(request)}"
