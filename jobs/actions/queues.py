"""Queues of the site; its operators open, close and weigh them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from dcportal.audit import actions as audit
from dcportal.common.actors import Actor
from dcportal.common.changes import create, require_revision, snapshot, update
from dcportal.common.problems import Conflict, Forbidden, invalid
from jobs import access
from jobs.actions.naming import clean_name, clean_text, require_unused, require_unused_name
from jobs.models import Queue


def add_queue(
    actor: Actor, name: str, now: datetime, *, description: str = "", weight: int = 0, is_open: bool = True
) -> Queue:
    """A further queue. Raises Forbidden for others than operators, Invalid with a problem per field."""
    _require_operator(actor)
    row = Queue(
        name=clean_name(name, 64),
        description=clean_text(description, 300),
        weight=_weight(weight),
        is_open=_yes_or_no(is_open),
    )
    require_unused_name(Queue.objects.all(), row.name)
    with transaction.atomic():
        create(row, now)
        audit.record(actor, "queue.create", row, before=None, after=snapshot(row), now=now)
    return row


def edit_queue(
    actor: Actor, row: Queue, changes: Mapping[str, Any], now: datetime, expected: int | None = None
) -> Queue:
    """Change name, description, weight or whether it is open; a closed one starts nothing."""
    _require_operator(actor)
    require_revision(row, expected)
    cleaners: dict[str, Callable[[Any], Any]] = {
        "name": lambda value: clean_name(value, 64),
        "description": lambda value: clean_text(value, 300),
        "weight": _weight,
        "is_open": _yes_or_no,
    }
    for key in changes:
        if key not in cleaners:
            raise invalid(f"/{key}", "unknown_key", key=key, nearest="name")
    values = {key: cleaners[key](value) for key, value in changes.items()}
    if values.get("name", row.name) != row.name:
        require_unused_name(Queue.objects.all(), values["name"])
    with transaction.atomic():
        before = snapshot(row)
        update(row, values, now)
        audit.record(actor, "queue.edit", row, before=before, after=snapshot(row), now=now)
    return row


def remove_queue(actor: Actor, row: Queue, now: datetime, expected: int | None = None) -> None:
    """Remove a queue that no job ever stood in. Raises Conflict."""
    _require_operator(actor)
    require_revision(row, expected)
    if row.is_default:
        raise Conflict("is_default")
    require_unused(row, row.jobs.all())
    with transaction.atomic():
        audit.record(actor, "queue.delete", row, before=snapshot(row), after=None, now=now)
        row.delete()


def _require_operator(actor: Actor) -> None:
    access.require_user(actor)
    if not actor.has_role("operator"):
        raise Forbidden("needs_role", role="operator")


def _weight(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -1000 <= value <= 1000:
        raise invalid("/weight", "out_of_range", minimum=-1000, maximum=1000)
    return value


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise invalid("/is_open", "wrong_type", expected="boolean")
    return value
