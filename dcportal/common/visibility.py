"""The one door to rows that belong to a team: list, detail, search, export, chart and socket use it."""

from typing import TypeVar

from django.db.models import Q, QuerySet

from dcportal.common.actors import Actor
from dcportal.common.base import OwnedRecord

OwnedT = TypeVar("OwnedT", bound=OwnedRecord)


def visible_to(rows: QuerySet[OwnedT], actor: Actor) -> QuerySet[OwnedT]:
    """The rows that `actor` may know of: all for site operators, else own ones and those of own teams."""
    if actor.kind == "system" or (actor.kind in {"user", "token"} and actor.has_role("operator")):
        return rows
    if actor.kind == "node":
        return rows.none()
    return rows.filter(Q(owner_id=actor.user_id) | Q(team__uid__in=list(actor.teams)))


def may_change(row: OwnedRecord, actor: Actor) -> bool:
    """Owners, operators of the team and operators of the site may change a row."""
    if actor.kind == "system" or actor.has_role("operator"):
        return True
    if actor.user_id is not None and row.owner_id == actor.user_id:
        return actor.has_role("user")
    return actor.has_team_role(row.team.uid, "operator")
