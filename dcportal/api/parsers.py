"""JSON as the API accepts it: no NUL, no lone surrogates, no NaN, no bottomless nesting.

A lone surrogate that reached a JSON column was measured to break every later list of that table.
"""

import json
import math
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

from dcportal.common.text import unstorable

MAX_DEPTH = 32


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "body_too_large"


class StrictJSONParser(JSONParser):
    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = stream.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        if len(raw) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise BodyTooLarge(f"at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes")
        try:
            value = json.loads(raw, parse_constant=_no_constant, parse_float=_finite)
        except (ValueError, RecursionError) as error:
            raise ParseError(f"not JSON: {error}") from error
        check(value)
        return value


def check(value: Any) -> None:
    """Refuse what no column can keep. Walks without recursion, so depth cannot hurt it."""
    todo = [(value, 0)]
    while todo:
        item, depth = todo.pop()
        if depth > MAX_DEPTH:
            raise ParseError(f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(item, str) and unstorable(item):
            raise ParseError("text holds NUL or a lone surrogate")
        if isinstance(item, dict):
            todo += [(part, depth + 1) for pair in item.items() for part in pair]
        elif isinstance(item, list):
            todo += [(part, depth + 1) for part in item]


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:40]} is beyond what a number can hold")
    return number


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not allowed")
