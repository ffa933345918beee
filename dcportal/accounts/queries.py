"""Who may see which people, teams and tokens."""

from typing import TypeVar

from django.db import models
from django.db.models import Count, Prefetch, Q, QuerySet

from dcportal.accounts.models import ApiToken, Membership, Team, User
from dcportal.common.actors import Actor
from dcportal.common.problems import NotFound

RowT = TypeVar("RowT", bound=models.Model)


def users_visible_to(actor: Actor) -> QuerySet[User]:
    """Everybody for operators of the site; else oneself and the people of one's teams."""
    if actor.kind == "system" or actor.has_role("operator"):
        return User.objects.all()
    shared = Membership.objects.filter(team__uid__in=list(actor.teams)).values("user")
    return User.objects.filter(Q(pk=actor.user_id) | Q(pk__in=shared))


def teams_visible_to(actor: Actor) -> QuerySet[Team]:
    """All teams for operators of the site, else one's own."""
    if actor.kind == "system" or actor.has_role("operator"):
        return Team.objects.all()
    return Team.objects.filter(uid__in=list(actor.teams))


def tokens_visible_to(actor: Actor) -> QuerySet[ApiToken]:
    """All tokens for administrators, else one's own."""
    tokens = ApiToken.objects.select_related("user")
    return tokens if actor.has_role("admin") else tokens.filter(user__pk=actor.user_id or 0)


def get_user(actor: Actor, uid: str) -> User:
    return _one(users_visible_to(actor).filter(uid=uid))


def get_team(actor: Actor, uid: str) -> Team:
    return _one(teams_visible_to(actor).filter(uid=uid))


def get_token(actor: Actor, uid: str) -> ApiToken:
    return _one(tokens_visible_to(actor).filter(uid=uid))


def get_membership(actor: Actor, team: Team, uid: str) -> Membership:
    return _one(team.memberships.select_related("user", "team").filter(uid=uid))


def with_teams(users: QuerySet[User]) -> QuerySet[User]:
    """Users with their memberships and teams loaded, two queries for any number."""
    memberships = Membership.objects.select_related("team").order_by("team__name")
    return users.prefetch_related(Prefetch("memberships", memberships))


def with_counts(teams: QuerySet[Team]) -> QuerySet[Team]:
    """Teams with `num_members`."""
    return teams.annotate(num_members=Count("memberships"))


def members_of(team: Team) -> QuerySet[Membership]:
    return team.memberships.select_related("user", "team").order_by("user__username")


def _one(rows: QuerySet[RowT]) -> RowT:
    row = rows.first()
    if row is None:
        raise NotFound()
    return row
