"""People: created and changed by administrators, their own profile by themselves."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F

from dcportal.accounts.models import Role, User
from dcportal.audit.actions import record
from dcportal.common.access import require_role, require_scope
from dcportal.common.actors import Actor
from dcportal.common.changes import create, require_revision, snapshot, update
from dcportal.common.problems import Conflict, Forbidden, Invalid, Problem
from dcportal.common.validation import check_known, check_row
from dcportal.common.zones import zone_names

USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
UNIX_ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
PROFILE = frozenset({"full_name", "email", "language", "timezone", "theme"})
EDITABLE = PROFILE | {"role", "unix_account"}
CREATABLE = EDITABLE | {"username"}
MAX_PASSWORD_CHARACTERS = 1024


def create_user(actor: Actor, values: Mapping[str, Any], now: datetime) -> User:
    """A new person with the columns `values`, who gets in by a one-time link. Administrators only."""
    require_role(actor, "admin", "admin")
    check_known(values, CREATABLE)
    user = User(**values)
    user.set_unusable_password()
    with transaction.atomic():
        check_row(user, values, _problems(values, is_new=True))
        create(user, now)
        record(actor, "user.create", user, before=None, after=snapshot(user), now=now)
    return user


def edit_user(
    actor: Actor, user: User, values: Mapping[str, Any], now: datetime, expected_revision: int | None = None
) -> User:
    """Change a person's columns, the role included. Administrators only; one must remain."""
    require_role(actor, "admin", "admin")
    check_known(values, EDITABLE)
    if values.get("role", user.role) != Role.ADMIN:
        _require_another_admin(user)
    return _edit(actor, user, values, "user.edit", now, expected_revision)


def edit_profile(
    actor: Actor, user: User, values: Mapping[str, Any], now: datetime, expected_revision: int | None = None
) -> User:
    """Change how the portal looks and speaks to oneself."""
    require_scope(actor, "admin")
    _require_self_or_admin(actor, user)
    check_known(values, PROFILE)
    return _edit(actor, user, values, "user.edit_profile", now, expected_revision)


def set_password(
    actor: Actor, user: User, password: str, now: datetime, *, current: str | None = None
) -> User:
    """Set a password, which ends the person's other sessions.

    People give their `current` one unless they have none yet; an administrator may set another's.
    """
    require_scope(actor, "admin")
    _require_self_or_admin(actor, user)
    if actor.user_id == user.pk and user.has_usable_password() and not user.check_password(current or ""):
        raise Invalid([Problem("/current", "wrong_password")])
    _require_good_password(user, password)
    user.set_password(password)
    with transaction.atomic():
        update(user, {"password": user.password}, now)
        record(actor, "user.set_password", user, before={}, after={"password": "changed"}, now=now)
    return user


def deactivate_user(actor: Actor, user: User, now: datetime) -> User:
    """Lock a person out: sessions, tokens and links end at once; what they own stays."""
    require_role(actor, "admin", "admin")
    _require_another_admin(user)
    changes = {"is_active": False, "session_version": user.session_version + 1}
    return _change(actor, user, changes, "user.deactivate", now)


def reactivate_user(actor: Actor, user: User, now: datetime) -> User:
    """Let a person in again; tokens that were not revoked work again."""
    require_role(actor, "admin", "admin")
    return _change(actor, user, {"is_active": True}, "user.reactivate", now)


def end_sessions(actor: Actor, user: User, now: datetime) -> User:
    """Sign a person out everywhere."""
    require_scope(actor, "admin")
    _require_self_or_admin(actor, user)
    return _change(actor, user, {"session_version": F("session_version") + 1}, "user.end_sessions", now)


def _edit(
    actor: Actor,
    user: User,
    values: Mapping[str, Any],
    verb: str,
    now: datetime,
    expected_revision: int | None,
) -> User:
    require_revision(user, expected_revision)
    before = snapshot(user)
    for name, value in values.items():
        setattr(user, name, value)
    with transaction.atomic():
        check_row(user, values, _problems(values, is_new=False))
        update(user, dict(values), now)
        record(actor, verb, user, before=before, after=snapshot(user), now=now)
    return user


def _change(actor: Actor, user: User, changes: dict[str, Any], verb: str, now: datetime) -> User:
    before = snapshot(user)
    with transaction.atomic():
        update(user, changes, now)
        user.refresh_from_db()
        record(actor, verb, user, before=before, after=snapshot(user), now=now)
    return user


def _require_self_or_admin(actor: Actor, user: User) -> None:
    if actor.user_id != user.pk and not actor.has_role("admin"):
        raise Forbidden("needs_role", role="admin")


def _require_another_admin(user: User) -> None:
    """The last active administrator can neither be demoted nor locked out."""
    others = User.objects.filter(role=Role.ADMIN, is_active=True).exclude(pk=user.pk)
    if user.role == Role.ADMIN and user.is_active and not others.exists():
        raise Conflict("last_admin")


def _require_good_password(user: User, password: str) -> None:
    if len(password) > MAX_PASSWORD_CHARACTERS:
        raise Invalid([Problem("/password", "too_long", {"maximum": MAX_PASSWORD_CHARACTERS})])
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(
            Problem("/password", "weak_password", {"message": message}) for message in error.messages
        ) from error


def _problems(values: Mapping[str, Any], *, is_new: bool) -> list[Problem]:
    problems = []
    if is_new:
        problems += _of_username(str(values.get("username", "")))
    if values.get("unix_account") and not UNIX_ACCOUNT.fullmatch(str(values["unix_account"])):
        problems.append(Problem("/unix_account", "not_a_unix_account"))
    if "timezone" in values and values["timezone"] not in zone_names():
        problems.append(Problem("/timezone", "unknown_choice", {"value": str(values["timezone"])[:80]}))
    if values.get("language") and values["language"] not in dict(settings.LANGUAGES):
        problems.append(Problem("/language", "unknown_choice", {"value": str(values["language"])[:80]}))
    return problems


def _of_username(username: str) -> list[Problem]:
    if not USERNAME.fullmatch(username):
        return [Problem("/username", "not_a_username")]
    if User.objects.filter(username__iexact=username).exists():
        return [Problem("/username", "not_unique")]
    return []
