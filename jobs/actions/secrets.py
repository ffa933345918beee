"""Secrets: keep, replace, remove. No function here returns a value that was kept."""

from datetime import datetime
from typing import Any

from django.db import transaction

from dcportal.audit import actions as audit
from dcportal.common.actors import Actor
from dcportal.common.changes import create, require_revision, snapshot, update
from dcportal.common.problems import Invalid, invalid
from dcportal.common.text import unstorable
from jobs import access, vault
from jobs.actions.naming import clean_text, require_unused, require_unused_name
from jobs.models import Job, Secret
from jobs.states import JOB_OPEN
from trainer.spec import formats

VALUE_BYTES = 32 * 1024


def add_secret(
    actor: Actor, name: str, value: str, now: datetime, *, description: str = "", team: str | None = None
) -> Secret:
    """Keep `value` for the jobs of a team under a name fit for a variable. Raises Invalid."""
    access.require_user(actor)
    row = Secret(
        name=_variable(name),
        ciphertext=vault.encrypt(_value(value)),
        description=clean_text(description, 300),
        team=access.team_for(actor, team, "/team"),
        owner_id=access.owner_id(actor),
    )
    require_unused_name(Secret.objects.filter(team=row.team), row.name)
    with transaction.atomic():
        create(row, now)
        audit.record(actor, "secret.create", row, before=None, after=snapshot(row), now=now)
    return row


def replace_secret(
    actor: Actor,
    row: Secret,
    now: datetime,
    *,
    value: str | None = None,
    description: str | None = None,
    expected: int | None = None,
) -> Secret:
    """Another value (for attempts that start from now on) or description."""
    access.require_change(row, actor)
    require_revision(row, expected)
    changes: dict[str, Any] = {}
    if value is not None:
        changes["ciphertext"] = vault.encrypt(_value(value))
    if description is not None:
        changes["description"] = clean_text(description, 300)
    with transaction.atomic():
        before = snapshot(row) | {"value": "kept"}
        update(row, changes, now)
        after = snapshot(row) | {"value": "kept" if value is None else "replaced"}
        audit.record(actor, "secret.edit", row, before=before, after=after, now=now)
    return row


def remove_secret(actor: Actor, row: Secret, now: datetime, expected: int | None = None) -> None:
    """Forget it. Raises Conflict while an open job of the team names it."""
    access.require_change(row, actor)
    require_revision(row, expected)
    open_jobs = Job.objects.filter(team=row.team, state__in=JOB_OPEN).only("name", "request")
    users = [job.pk for job in open_jobs if row.name in job.request["secrets"]["names"]]
    require_unused(row, Job.objects.filter(pk__in=users))
    with transaction.atomic():
        audit.record(actor, "secret.delete", row, before=snapshot(row), after=None, now=now)
        row.delete()


def _variable(name: Any) -> str:
    if not isinstance(name, str) or len(name) > 120:
        raise invalid("/name", "bad_name", maximum=120)
    problems = formats.variable_name("/name", name)
    if problems:
        raise Invalid(problems)
    return name


def _value(value: Any) -> str:
    if not isinstance(value, str) or not value or unstorable(value):
        raise invalid("/value", "bad_secret_value", maximum=VALUE_BYTES)
    if len(value.encode()) > VALUE_BYTES:
        raise invalid("/value", "bad_secret_value", maximum=VALUE_BYTES)
    return value
