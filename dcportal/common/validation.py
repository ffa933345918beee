"""The model's own rules as problems with pointers: what an action checks before it writes."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models

from dcportal.common.problems import Invalid, Problem
from dcportal.common.text import unstorable

CODES = {
    "blank": "required",
    "null": "required",
    "required": "required",
    "invalid_choice": "unknown_choice",
    "unique": "not_unique",
    "unique_together": "not_unique",
    "min_value": "too_small",
    "max_value": "too_large",
    "max_length": "too_long",
}


def check_row(row: models.Model, values: Mapping[str, Any], more: list[Problem] | None = None) -> None:
    """Raise Invalid unless `values` set on `row` satisfy its columns and uniqueness, plus `more`."""
    problems = [*_unstorable(values), *(more or [])]
    if not problems:
        problems = list(_of_model(row))
    if problems:
        raise Invalid(problems)


def check_known(values: Mapping[str, Any], allowed: frozenset[str]) -> None:
    """Raise Invalid naming each key of `values` that is not a field to be written."""
    unknown = [Problem(f"/{name}", "unknown_field", {"name": name}) for name in values if name not in allowed]
    if unknown:
        raise Invalid(unknown)


def _unstorable(values: Mapping[str, Any]) -> Iterator[Problem]:
    for name, value in values.items():
        if isinstance(value, str) and unstorable(value):
            yield Problem(f"/{name}", "unstorable_text")


def _of_model(row: models.Model) -> Iterator[Problem]:
    missing = {f.name for f in row._meta.concrete_fields if f.null and getattr(row, f.attname) is None}
    try:
        row.full_clean(exclude=missing, validate_constraints=False)
    except ValidationError as error:
        yield from _from_django(error)
    else:
        try:
            row.validate_constraints()
        except ValidationError as error:
            yield from _from_django(error)


def _from_django(error: ValidationError) -> Iterator[Problem]:
    for name, errors in error.error_dict.items():
        for each in errors:
            yield _problem("" if name == NON_FIELD_ERRORS else f"/{name}", each)


def _problem(pointer: str, error: ValidationError) -> Problem:
    params: dict[str, Any] = dict(error.params or {})
    code = CODES.get(error.code or "", "invalid_value")
    if code == "not_unique" and not pointer:
        # A constraint over several columns: point at the last, which is the name within its place.
        pointer = f"/{(params.get('unique_check') or ('',))[-1]}".rstrip("/")
    kept: dict[str, Any] = {"value": _short(params.get("value"))} if "value" in params else {}
    if "limit_value" in params:
        kept |= {"minimum": params["limit_value"], "maximum": params["limit_value"]}
    if code == "invalid_value":
        kept["message"] = " ".join(error.messages)
    return Problem(pointer, code, kept)


def _short(value: Any) -> str:
    return str(value)[:80]
