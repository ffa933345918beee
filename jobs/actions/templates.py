"""Templates: save, edit (a new version), lock settings, retire."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from dcportal.audit import actions as audit
from dcportal.common.actors import Actor
from dcportal.common.changes import create, require_revision, snapshot, update
from dcportal.common.problems import Conflict, Forbidden, Invalid, Problem, invalid
from dcportal.common.text import unstorable
from jobs import access
from jobs.models import Job, JobTemplate
from trainer.spec import fields, notation, validation
from trainer.spec.job import JobSpec

_DROPPED = ("team",)


def save_template(
    actor: Actor,
    name: str,
    request: Mapping[str, Any],
    now: datetime,
    *,
    description: str = "",
    locked: Iterable[str] = (),
    team: str | None = None,
    for_site: bool = False,
) -> JobTemplate:
    """A new template of a team, or of the site (operators only) which everybody sees.

    The request must be valid by itself. Raises Forbidden, or Invalid with a problem per field.
    """
    access.require_user(actor)
    if for_site and not actor.has_role("operator"):
        raise Forbidden("needs_role", role="operator")
    owned = (
        {}
        if for_site
        else {"team": access.team_for(actor, team, "/team"), "owner_id": access.owner_id(actor)}
    )
    row = JobTemplate(
        name=_name(name), description=_text(description), request=_checked(request), locked=_known(locked)
    )
    for column, value in owned.items():
        setattr(row, column, value)
    row.family = row.uid
    with transaction.atomic():
        create(row, now)
        audit.record(actor, "job_template.create", row, before=None, after=snapshot(row), now=now)
    return row


def save_job_as_template(actor: Actor, job: Job, name: str, now: datetime, **rest: Any) -> JobTemplate:
    """A template with the request of a job; the team and name of the job are not part of it."""
    rest.setdefault("team", job.team.name if access.works_in(actor, job.team) else None)
    return save_template(actor, name, job.request, now, **rest)


def edit_template(
    actor: Actor,
    template: JobTemplate,
    changes: Mapping[str, Any],
    now: datetime,
    expected: int | None = None,
) -> JobTemplate:
    """The next version, with some of name, description, request and locked changed; jobs keep theirs.

    Raises Conflict on an older version or a retired one.
    """
    access.require_shared_change(template, actor)
    require_revision(template, expected)
    values = _changed_values(template, changes)
    with transaction.atomic():
        _supersede(template, now)
        row = JobTemplate(
            family=template.family,
            version=template.version + 1,
            team=template.team,
            owner=template.owner,
            icon=template.icon,
            builtin=template.builtin,
            **values,
        )
        create(row, now)
        audit.record(actor, "job_template.edit", row, before=snapshot(template), after=snapshot(row), now=now)
    return row


def lock_settings(actor: Actor, template: JobTemplate, locked: Iterable[str], now: datetime) -> JobTemplate:
    """A version in which exactly these settings (dotted names) cannot be changed by a job."""
    return edit_template(actor, template, {"locked": list(locked)}, now)


def retire_template(
    actor: Actor, template: JobTemplate, now: datetime, expected: int | None = None
) -> JobTemplate:
    """No new job can be made from it; jobs that were keep pointing at it. Twice is once."""
    access.require_shared_change(template, actor)
    require_revision(template, expected)
    if template.retired_at is not None:
        return template
    with transaction.atomic():
        before = snapshot(template)
        update(template, {"retired_at": now}, now)
        audit.record(actor, "job_template.retire", template, before=before, after=snapshot(template), now=now)
    return template


def _supersede(template: JobTemplate, now: datetime) -> None:
    if template.superseded_at is not None or template.retired_at is not None:
        raise Conflict("template_not_current", name=template.name, version=template.version)
    update(template, {"superseded_at": now}, now)


def _changed_values(template: JobTemplate, changes: Mapping[str, Any]) -> dict[str, Any]:
    cleaners = {"name": _name, "description": _text, "request": _checked, "locked": _known}
    unknown = [key for key in changes if key not in cleaners]
    if unknown:
        raise invalid(f"/{unknown[0]}", "unknown_key", key=unknown[0], nearest="name")
    values = {name: getattr(template, name) for name in cleaners}
    return values | {name: cleaners[name](value) for name, value in changes.items()}


def _checked(request: Any) -> dict[str, Any]:
    """The canonical request without the team, which each job brings itself."""
    if isinstance(request, Mapping) and isinstance(request.get("job"), Mapping):
        inner = {key: value for key, value in request["job"].items() if key not in _DROPPED}
        request = {**request, "job": inner}
    problems = validation.validate(request)
    if problems:
        raise Invalid(
            [Problem(f"/request{problem.pointer}", problem.code, problem.params) for problem in problems]
        )
    return notation.as_dict(validation.parse(request))


def _known(locked: Iterable[str]) -> list[str]:
    if isinstance(locked, str) or not isinstance(locked, (list, tuple, set, frozenset)):
        raise invalid("/locked", "wrong_type", expected="string_list")
    names = {leaf.name for leaf in fields.leaves(JobSpec)}
    wrong = [str(name) for name in locked if not isinstance(name, str) or name not in names]
    if wrong:
        raise invalid("/locked", "unknown_choice", value=wrong[0][:80])
    return sorted(locked)


def _name(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= 120 or not value.isprintable():
        raise invalid("/name", "bad_name", maximum=120)
    return value.strip()


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 1000 or unstorable(value):
        raise invalid("/description", "too_long", maximum=1000)
    return value
