"""Query parameters with a meaning; a value that cannot be is named, never ignored."""

from collections.abc import Mapping

from dcportal.common.problems import Invalid, invalid
from jobs.queries.lists import FILTERS


def whole(
    parameters: Mapping[str, str], name: str, default: int | None, minimum: int, maximum: int
) -> int | None:
    """A whole number within limits. Raises Invalid naming the parameter."""
    text = parameters.get(name, "")
    if text == "":
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise bad(name, text)
    value = int(text)
    if not minimum <= value <= maximum:
        raise bad(name, text)
    return value


def number(parameters: Mapping[str, str], name: str, default: int, minimum: int, maximum: int) -> int:
    """Like `whole`, for parameters that always have a value."""
    value = whole(parameters, name, default, minimum, maximum)
    return default if value is None else value


def bad(name: str, value: str) -> Invalid:
    """The refusal of a value."""
    shown = value[:40].encode("utf-8", "replace").decode()
    return invalid(f"/{name}", "bad_parameter", name=name, value=shown)


def filters(parameters: Mapping[str, str]) -> dict[str, str]:
    """Those parameters that are filters of job lists."""
    return {name: value for name, value in parameters.items() if name in FILTERS}
