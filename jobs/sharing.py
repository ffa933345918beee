"""Finding templates by what people call them."""

from typing import Any

from django.db.models import Q, QuerySet

from dcportal.common.actors import Actor
from dcportal.common.problems import invalid
from jobs import access
from jobs.models import JobTemplate


def current_templates(actor: Actor) -> QuerySet[JobTemplate]:
    """The newest version of each visible template that was not retired."""
    rows = access.shared_visible_to(JobTemplate.objects.select_related("team", "owner"), actor)
    return rows.filter(superseded_at=None, retired_at=None)


def find_template(actor: Actor, named: Any) -> JobTemplate | None:
    """The template with this built-in name or uid (an older version's uid means that version).

    None for None. Raises Invalid at /template.
    """
    if named is None:
        return None
    if not isinstance(named, str) or not named.isascii() or len(named) > 64:
        raise invalid("/template", "no_such_template", value=str(named)[:64])
    visible = access.shared_visible_to(JobTemplate.objects.select_related("team", "owner"), actor)
    found = (
        visible.filter(uid=named).first()
        or visible.filter(Q(family=named) | Q(builtin=named), superseded_at=None).first()
    )
    if found is None:
        raise invalid("/template", "no_such_template", value=named)
    return found
