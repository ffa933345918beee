"""One error form for the whole API: problem+json (RFC 9457) with a JSON pointer per field."""

import logging
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
)
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from dcportal.api.parsers import BodyTooLarge
from dcportal.api.refusals import is_busy, problem_body
from dcportal.common.problems import Forbidden, Invalid, NotFound, Problem, Refusal
from dcportal.common.rest.revisions import PreconditionFailed

logger = logging.getLogger(__name__)


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None for what is our own mistake: that stays a 500 in the log."""
    refusal = _as_refusal(error)
    if isinstance(refusal, Refusal):
        return problem(refusal.status, refusal.code, dict(refusal.params), _problems_of(refusal))
    if isinstance(refusal, exceptions.APIException):
        return _from_rest_framework(refusal)
    return None


def problem(
    status: int,
    code: str,
    params: dict[str, object] | None = None,
    problems: Iterable[Problem] = (),
    headers: dict[str, str] | None = None,
    detail: str | None = None,
) -> Response:
    """The answer itself. `errors` holds one entry per field, its pointer into the request body."""
    body = problem_body(status, code, params, problems, title=detail)
    return Response(body, status=status, headers=headers, content_type="application/problem+json")


def _as_refusal(error: Exception) -> Exception:
    if isinstance(error, Http404):
        return NotFound()
    if isinstance(error, PermissionDenied):
        return Forbidden("forbidden")
    if isinstance(error, RequestDataTooBig | TooManyFieldsSent):
        return BodyTooLarge()
    if isinstance(error, SuspiciousOperation):
        return exceptions.ParseError()
    if isinstance(error, OperationalError) and is_busy(error):
        logger.error("database refused work: %s", error)
        return DatabaseBusy()
    return error


class DatabaseBusy(exceptions.APIException):
    status_code = 503
    default_code = "database_busy"
    wait = 5


def _problems_of(refusal: Refusal) -> list[Problem]:
    return refusal.problems if isinstance(refusal, Invalid) else []


def _from_rest_framework(error: exceptions.APIException) -> Response:
    headers: dict[str, str] = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    if isinstance(error, exceptions.ValidationError):
        return problem(422, "invalid", {}, list(_walk(error.detail, "")), headers)
    if isinstance(error, BodyTooLarge):
        params: dict[str, object] = {"limit_bytes": settings.DATA_UPLOAD_MAX_MEMORY_SIZE}
        return problem(413, "body_too_large", params, (), headers)
    if isinstance(error, PreconditionFailed):
        return problem(412, "changed_meanwhile", {}, (), headers)
    if isinstance(error, DatabaseBusy):
        return problem(503, "database_busy", {"detail": ""}, (), headers)
    code = str(getattr(error.detail, "code", error.default_code))
    return problem(error.status_code, code, {}, (), headers, detail=str(error.detail))


def _walk(detail: Any, pointer: str) -> Iterable[Problem]:
    if isinstance(detail, dict):
        for key, value in detail.items():
            own = pointer if key == "non_field_errors" else f"{pointer}/{_escaped(key)}"
            yield from _walk(value, own)
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            nested = isinstance(value, dict | list)
            yield from _walk(value, f"{pointer}/{index}" if nested else pointer)
    else:
        yield Problem(pointer, str(getattr(detail, "code", "invalid")), {"message": str(detail)})


def _escaped(key: object) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")
