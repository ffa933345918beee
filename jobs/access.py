"""Who may see and change rows of jobs: the one door for lists, details, searches, exports and sockets."""

from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from dcportal.accounts.models import Team
from dcportal.common.actors import Actor
from dcportal.common.base import OwnedRecord
from dcportal.common.problems import Forbidden, NotFound, invalid
from dcportal.common.visibility import may_change, visible_to
from jobs.models import Dataset, Job
from jobs.models.definitions import SiteOrOwned

SCOPE = "jobs"
SharedT = TypeVar("SharedT", bound=SiteOrOwned)
RowT = TypeVar("RowT", bound=Model)


def require_user(actor: Actor) -> None:
    """Refuse viewers and tokens without the scope `jobs`."""
    if not actor.may(SCOPE):
        raise Forbidden("needs_scope", scope=SCOPE)
    if actor.kind == "node" or not actor.has_role("user"):
        raise Forbidden("needs_role", role="user")


def owner_id(actor: Actor) -> int:
    """The person that a new row belongs to. Raises Forbidden for actors who are none."""
    if actor.user_id is None:
        raise Forbidden("needs_person")
    return actor.user_id


def require_change(row: OwnedRecord, actor: Actor) -> None:
    """Refuse those who may see `row` but not change it."""
    require_user(actor)
    if not may_change(row, actor):
        raise Forbidden("not_yours", owner=row.owner.username)


def may_change_shared(row: SiteOrOwned, actor: Actor) -> bool:
    """Rows of the site: its operators. Others: owner, operators of the team and of the site."""
    if actor.kind == "system" or actor.has_role("operator"):
        return True
    if row.team_id is None or row.team is None:
        return False
    if actor.user_id is not None and row.owner_id == actor.user_id:
        return actor.has_role("user")
    return actor.has_team_role(row.team.uid, "operator")


def require_shared_change(row: SiteOrOwned, actor: Actor) -> None:
    """Refuse those who may see a row of the site or of a team but not change it."""
    require_user(actor)
    if not may_change_shared(row, actor):
        raise Forbidden("needs_role", role="operator")


def shared_visible_to(rows: QuerySet[SharedT], actor: Actor) -> QuerySet[SharedT]:
    """Rows of the site, and those that `visible_to` would show."""
    if actor.kind == "node":
        return rows.none()
    if actor.kind == "system" or actor.has_role("operator"):
        return rows
    return rows.filter(Q(team__isnull=True) | Q(owner_id=actor.user_id) | Q(team__uid__in=list(actor.teams)))


def datasets_visible_to(actor: Actor) -> QuerySet[Dataset]:
    """Data sets of one's own teams, and those that name one of them as reader."""
    rows = Dataset.objects.select_related("team", "owner")
    if actor.kind == "system" or actor.has_role("operator"):
        return rows
    own = visible_to(Dataset.objects.all(), actor).values("pk")
    read = Dataset.objects.filter(readers__uid__in=list(actor.teams)).values("pk")
    return rows.filter(Q(pk__in=own) | Q(pk__in=read))


def jobs_visible_to(actor: Actor) -> QuerySet[Job]:
    """The jobs that `actor` may know of."""
    return visible_to(Job.objects.all(), actor)


def one(rows: QuerySet[RowT], uid: str) -> RowT:
    """The row with this uid among `rows`; raises NotFound when missing or not among them, alike."""
    row = rows.filter(uid=uid).first()
    if row is None:
        raise NotFound()
    return row


def team_for(actor: Actor, wanted: str | None, pointer: str) -> Team:
    """The team that a new row belongs to: the one named, or the only one `actor` works in.

    Raises Invalid at `pointer` when it is unknown, not the actor's, or when there is a choice to make.
    """
    if wanted:
        team = Team.objects.filter(Q(name=wanted) | Q(uid=wanted)).first()
        if team is None or not works_in(actor, team):
            raise invalid(pointer, "no_such_team", value=wanted)
        return team
    teams = [uid for uid in actor.teams if actor.has_team_role(uid, "user")]
    if len(teams) != 1:
        names = list(Team.objects.filter(uid__in=teams).values_list("name", flat=True))
        raise invalid(pointer, "choose_team" if teams else "no_team", teams=", ".join(names))
    return Team.objects.get(uid=teams[0])


def works_in(actor: Actor, team: Team) -> bool:
    """Whether `actor` may start things in this team's name."""
    return actor.has_role("operator") or actor.has_team_role(team.uid, "user")
