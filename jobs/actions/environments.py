"""Environments: register, change, check by running, remove."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from dcportal.audit import actions as audit
from dcportal.common.actors import Actor
from dcportal.common.changes import create, require_revision, snapshot, update
from dcportal.common.problems import Conflict, Forbidden, Invalid, invalid
from jobs import access, paths, torch_check
from jobs.actions.naming import clean_name, clean_path, clean_text, require_unused, require_unused_name
from jobs.models import Environment
from jobs.states import JOB_OPEN

_INTERPRETERS = ("bin/python", "bin/python3", "python")


def add_environment(
    actor: Actor,
    name: str,
    interpreter: str,
    now: datetime,
    *,
    description: str = "",
    team: str | None = None,
    for_site: bool = False,
) -> Environment:
    """Register an interpreter, or the folder of a venv or conda environment, for a team or the site.

    Raises Forbidden, or Invalid with a problem per field.
    """
    access.require_user(actor)
    if for_site and not actor.has_role("operator"):
        raise Forbidden("needs_role", role="operator")
    row = Environment(
        name=clean_name(name, 64),
        interpreter=clean_interpreter(interpreter),
        description=clean_text(description, 300),
    )
    if not for_site:
        row.team, row.owner_id = access.team_for(actor, team, "/team"), access.owner_id(actor)
    require_unused_name(Environment.objects.filter(team=row.team), row.name)
    with transaction.atomic():
        create(row, now)
        audit.record(actor, "environment.create", row, before=None, after=snapshot(row), now=now)
    return row


def edit_environment(
    actor: Actor, row: Environment, changes: Mapping[str, Any], now: datetime, expected: int | None = None
) -> Environment:
    """Change name, description or interpreter; a changed interpreter must be checked again."""
    access.require_shared_change(row, actor)
    require_revision(row, expected)
    values = _cleaned(row, changes)
    if "interpreter" in values and values["interpreter"] != row.interpreter:
        values |= {"check_result": None, "checked_at": None}
    with transaction.atomic():
        before = snapshot(row)
        update(row, values, now)
        audit.record(actor, "environment.edit", row, before=before, after=snapshot(row), now=now)
    return row


def check_environment(actor: Actor, row: Environment, now: datetime) -> Environment:
    """Run the interpreter and keep what it said. Takes as long as importing torch (about 6 s)."""
    access.require_user(actor)
    result = torch_check.examine(row.interpreter)
    with transaction.atomic():
        row.refresh_from_db()
        before = snapshot(row, ["check_result"])
        update(row, {"check_result": result, "checked_at": now}, now)
        audit.record(
            actor, "environment.check", row, before=before, after=snapshot(row, ["check_result"]), now=now
        )
    return row


def remove_environment(actor: Actor, row: Environment, now: datetime, expected: int | None = None) -> None:
    """Forget an environment that no job ever used. Raises Conflict naming those that did."""
    access.require_shared_change(row, actor)
    require_revision(row, expected)
    if row.is_default:
        raise Conflict("is_default")
    require_unused(row, row.jobs.filter(state__in=JOB_OPEN), row.jobs.all())
    with transaction.atomic():
        audit.record(actor, "environment.delete", row, before=snapshot(row), after=None, now=now)
        row.delete()


def clean_interpreter(value: Any, pointer: str = "/interpreter") -> str:
    """The python named by `value`, which may be the folder of a venv or conda environment."""
    path = clean_path(value, pointer)
    tried = [path, *(f"{path.rstrip('/')}/{inner}" for inner in _INTERPRETERS)]
    for place in tried:
        if not paths.interpreter_problems(pointer, place):
            return place
    raise Invalid(paths.interpreter_problems(pointer, path))


def _cleaned(row: Environment, changes: Mapping[str, Any]) -> dict[str, Any]:
    cleaners = {
        "name": lambda value: clean_name(value, 64),
        "description": lambda value: clean_text(value, 300),
        "interpreter": clean_interpreter,
    }
    for key in changes:
        if key not in cleaners:
            raise invalid(f"/{key}", "unknown_key", key=key, nearest="name")
    values = {key: cleaners[key](value) for key, value in changes.items()}
    if values.get("name", row.name) != row.name:
        require_unused_name(Environment.objects.filter(team=row.team), values["name"])
    return values
