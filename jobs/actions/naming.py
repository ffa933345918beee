"""Checks of names and short texts that people give to environments, data sets, secrets and queues."""

from typing import Any

from django.db.models import Model, QuerySet

from dcportal.common.problems import Conflict, invalid
from dcportal.common.text import unstorable


def clean_name(value: Any, maximum: int, pointer: str = "/name") -> str:
    """One line of printable text, not empty. Raises Invalid."""
    if not isinstance(value, str) or not 0 < len(value.strip()) <= maximum or not value.isprintable():
        raise invalid(pointer, "bad_name", maximum=maximum)
    return value.strip()


def clean_text(value: Any, maximum: int, pointer: str = "/description") -> str:
    """Text that may be empty. Raises Invalid."""
    if not isinstance(value, str) or len(value) > maximum or unstorable(value):
        raise invalid(pointer, "too_long", maximum=maximum)
    return value


def clean_path(value: Any, pointer: str) -> str:
    """An absolute plain path as text; whether it is there is another question."""
    if not isinstance(value, str) or not value.isprintable() or len(value) > 4096:
        raise invalid(pointer, "bad_path")
    if not value.startswith("/") or {".", ".."} & set(value.split("/")):
        raise invalid(pointer, "not_absolute")
    return value


def require_unused_name(rows: QuerySet[Any], name: str, pointer: str = "/name") -> None:
    """Raises Invalid when one of `rows` has this name."""
    if rows.filter(name=name).exists():
        raise invalid(pointer, "not_unique")


def require_unused(row: Model, *users: QuerySet[Any]) -> None:
    """Raises Conflict naming (up to five of) the rows that still use this one."""
    names = [str(user) for rows in users for user in rows[:5]]
    if names:
        raise Conflict("in_use", users=", ".join(names[:5]))
