"""Teams and who is in them, with which role."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError

from dcportal.accounts.models import ROLE_ORDER, Membership, Team, User
from dcportal.audit.actions import record
from dcportal.common.access import require_role, require_scope
from dcportal.common.actors import Actor
from dcportal.common.changes import create, require_revision, snapshot, update
from dcportal.common.problems import Conflict, Forbidden, invalid
from dcportal.common.usage import require_unused
from dcportal.common.validation import check_known, check_row

EDITABLE = frozenset({"name", "description"})


def create_team(actor: Actor, values: Mapping[str, Any], now: datetime) -> Team:
    """A new team without members. Operators and administrators of the site."""
    require_role(actor, "operator", "admin")
    check_known(values, EDITABLE)
    team = Team(**values)
    with transaction.atomic():
        check_row(team, values)
        create(team, now)
        record(actor, "team.create", team, before=None, after=snapshot(team), now=now)
    return team


def edit_team(
    actor: Actor, team: Team, values: Mapping[str, Any], now: datetime, expected_revision: int | None = None
) -> Team:
    """Change name or description. Operators of the site or of the team."""
    require_may_manage(actor, team)
    check_known(values, EDITABLE)
    require_revision(team, expected_revision)
    before = snapshot(team)
    for name, value in values.items():
        setattr(team, name, value)
    with transaction.atomic():
        check_row(team, values)
        update(team, dict(values), now)
        record(actor, "team.edit", team, before=before, after=snapshot(team), now=now)
    return team


def delete_team(actor: Actor, team: Team, now: datetime) -> None:
    """Remove a team that owns nothing any more; its memberships go with it."""
    require_role(actor, "admin", "admin")
    require_unused(team)
    before = snapshot(team)
    with transaction.atomic():
        record(actor, "team.delete", team, before=before, after=None, now=now)
        try:
            team.delete()
        except ProtectedError as error:
            raise Conflict("in_use", users=str(len(error.protected_objects))) from error


def add_member(actor: Actor, team: Team, user: User, role: str, now: datetime) -> Membership:
    """Take a person into the team with `role`, none stronger than one's own there."""
    _require_may_grant(actor, team, role)
    if Membership.objects.filter(team=team, user=user).exists():
        raise invalid("/user", "already_member", name=user.username)
    membership = Membership(team=team, user=user, role=role)
    with transaction.atomic():
        create(membership, now)
        record(actor, "team.add_member", membership, before=None, after=_shown(membership), now=now)
    return membership


def change_member(actor: Actor, membership: Membership, role: str, now: datetime) -> Membership:
    """Give a member another role in the team."""
    _require_may_grant(actor, membership.team, membership.role)
    _require_may_grant(actor, membership.team, role)
    before = _shown(membership)
    with transaction.atomic():
        update(membership, {"role": role}, now)
        record(actor, "team.change_member", membership, before=before, after=_shown(membership), now=now)
    return membership


def remove_member(actor: Actor, membership: Membership, now: datetime) -> None:
    """Take a person out of the team; anybody may leave by themselves."""
    require_scope(actor, "admin")
    if actor.user_id != membership.user_id:
        _require_may_grant(actor, membership.team, membership.role)
    with transaction.atomic():
        record(actor, "team.remove_member", membership, before=_shown(membership), after=None, now=now)
        membership.delete()


def may_manage(actor: Actor, team: Team) -> bool:
    """Operators of the site and of the team may change it."""
    return actor.has_role("operator") or actor.has_team_role(team.uid, "operator")


def require_may_manage(actor: Actor, team: Team) -> None:
    """Refuse those who may not change the team."""
    require_scope(actor, "admin")
    if not may_manage(actor, team):
        raise Forbidden("needs_team_role", role="operator", team=team.name)


def _require_may_grant(actor: Actor, team: Team, role: str) -> None:
    if role not in ROLE_ORDER:
        raise invalid("/role", "unknown_choice", value=str(role)[:80])
    require_may_manage(actor, team)
    if not (actor.has_role("operator") or actor.has_team_role(team.uid, role)):
        raise Forbidden("needs_team_role", role=role, team=team.name)


def _shown(membership: Membership) -> dict[str, Any]:
    return {
        "team": membership.team.name,
        "user": membership.user.username,
        "role": membership.role,
    }
