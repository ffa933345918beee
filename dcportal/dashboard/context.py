"""What the frame of every page shows: site, counts, freshness of telemetry."""

from typing import Any

from django.http import HttpRequest


def chrome(request: HttpRequest) -> dict[str, Any]:
    """Context processor; empty for visitors who are not signed in."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    return {"chrome": {}}
