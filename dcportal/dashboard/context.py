"""What the frame of every page shows: site, counts, freshness of telemetry."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from dcportal.accounts.identify import actor_of
from dcportal.common.clock import utcnow
from dcportal.inventory.models import Node, Site
from jobs.access import jobs_visible_to
from jobs.states import JOB_OPEN
from monitoring.queries import freshness


def chrome(request: HttpRequest) -> dict[str, Any]:
    """Context processor; empty for visitors who are not signed in, and read only where it is shown."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    return {"chrome": SimpleLazyObject(lambda: frame_of(request))}


def frame_of(request: HttpRequest) -> dict[str, Any]:
    """Four small queries over indexed columns."""
    return {
        "site_name": Site.objects.filter(is_simulated=False).values_list("name", flat=True).first(),
        "num_nodes": Node.objects.count() or None,
        "num_jobs_open": jobs_visible_to(actor_of(request)).filter(state__in=JOB_OPEN).count() or None,
        "telemetry": telemetry(),
    }


def telemetry() -> dict[str, Any]:
    """Newest sample, its age in seconds, and how many agents report."""
    fresh = freshness()
    newest = fresh.newest
    age = None if newest is None else max((utcnow() - newest).total_seconds(), 0)
    return {
        "newest": newest,
        "age_seconds": age,
        "num_reporting": fresh.reporting,
        "num_agents": fresh.agents,
    }
