"""Conditional writes and the before/after that the audit trail keeps."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from django.db import models
from django.db.models import F

from dcportal.common.base import Record
from dcportal.common.problems import Conflict

RecordT = TypeVar("RecordT", bound=Record)
HIDDEN = {"password", "digest", "ciphertext"}


def snapshot(row: models.Model, fields: Iterable[str] | None = None) -> dict[str, Any]:
    """The row's own columns as JSON-able values, without secrets; a reference is kept by its name."""
    wanted = set(fields) if fields is not None else None
    values: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        if field.name in HIDDEN or field.name == "id" or (wanted and field.name not in wanted):
            continue
        value = getattr(row, field.name if field.is_relation else field.attname)
        values[field.name] = value if isinstance(value, JSONABLE) else str(value)
    return values


JSONABLE = (str, int, float, bool, type(None), list, dict)


def create(row: RecordT, now: datetime) -> RecordT:
    """Insert a new record, stamped with `now`."""
    row.created_at = row.updated_at = now
    row.save(force_insert=True)
    return row


def update(row: RecordT, changes: dict[str, Any], now: datetime) -> RecordT:
    """Write `changes` if nobody wrote the row since it was read; raises Conflict(`changed_meanwhile`)."""
    written = (
        type(row)
        ._default_manager.filter(pk=row.pk, revision=row.revision)
        .update(**changes, updated_at=now, revision=F("revision") + 1)
    )
    if not written:
        raise Conflict("changed_meanwhile")
    for name, value in changes.items():
        setattr(row, name, value)
    row.updated_at = now
    row.revision += 1
    return row


def require_revision(row: Record, expected: int | None) -> None:
    """Refuse an edit made on an older revision (If-Match); None means the caller did not ask."""
    if expected is not None and row.revision != expected:
        raise Conflict("changed_meanwhile")
