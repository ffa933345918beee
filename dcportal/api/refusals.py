"""Refusals, a busy database and missing pages: as a page, or as problem+json below `/api/`."""

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from dcportal.common import reasons
from dcportal.common.problems import Invalid, Problem, Refusal, sentence

logger = logging.getLogger(__name__)
BUSY_MARKS = ("locked", "full", "busy", "too many connections", "connection")


class RefusalMiddleware:
    """Turns a `Refusal` that a page let through into its status and a page that says why."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, Refusal):
            problems = error.problems if isinstance(error, Invalid) else []
            return refusal_page(request, error.status, error.code, dict(error.params), problems)
        if isinstance(error, RequestDataTooBig | TooManyFieldsSent):
            return refusal_page(request, 413, "body_too_large_for_page", {})
        if isinstance(error, OperationalError) and is_busy(error):
            logger.error("database refused work: %s", error)
            response = refusal_page(request, 503, "database_busy", {"detail": str(error)})
            response.headers["Retry-After"] = "5"
            return response
        return None


def is_busy(error: OperationalError) -> bool:
    """True for a locked, full or unreachable database: a matter of waiting or making room."""
    return any(mark in str(error).lower() for mark in BUSY_MARKS)


def refusal_page(
    request: HttpRequest,
    status: int,
    code: str,
    params: dict[str, object] | None = None,
    problems: Iterable[Problem] = (),
) -> HttpResponse:
    """The refusal as a page; as problem+json below `/api/` or where the caller asked for JSON."""
    if request.path.startswith("/api/") or "json" in request.headers.get("Accept", ""):
        body = problem_body(status, code, params, problems)
        return JsonResponse(body, status=status, content_type="application/problem+json")
    context = {
        "status": status,
        "message": reasons.text(code, params),
        "fields": [(each.pointer.strip("/"), sentence(each)) for each in problems],
    }
    return render(request, "refusal.html", context, status=status)


def problem_body(
    status: int,
    code: str,
    params: dict[str, object] | None = None,
    problems: Iterable[Problem] = (),
    title: str | None = None,
) -> dict[str, Any]:
    """The problem+json object (RFC 9457). `errors` has one entry per field, with its JSON pointer."""
    return {
        "type": f"urn:dcportal:problem:{code}",
        "title": title or reasons.text(code, params),
        "status": status,
        "code": code,
        "errors": [
            {
                "pointer": each.pointer,
                "code": each.code,
                "detail": sentence(each),
                "params": {name: _plain(value) for name, value in each.params.items()},
            }
            for each in problems
        ],
    }


def no_such_route(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Anything below `/api/` that is no route of it."""
    return refusal_page(request, HTTPStatus.NOT_FOUND, "no_such_route", {"path": request.path[:200]})


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 404."""
    return refusal_page(request, HTTPStatus.NOT_FOUND, "not_found")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 400: a forged host, a torn body, too many fields."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent):
        return refusal_page(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large_for_page")
    known = isinstance(exception, SuspiciousOperation)
    return refusal_page(request, HTTPStatus.BAD_REQUEST, "suspicious_request" if known else "bad_request")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 403."""
    return refusal_page(request, HTTPStatus.FORBIDDEN, "forbidden")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token, or sent from elsewhere."""
    return refusal_page(request, HTTPStatus.FORBIDDEN, "csrf")


def server_error(request: HttpRequest) -> HttpResponse:
    """Our own mistake; the log has it under the request id. Needs no template and no database."""
    request_id = getattr(request, "request_id", "")
    if request.path.startswith("/api/"):
        body = problem_body(500, "server_error", {"request_id": request_id})
        return JsonResponse(body, status=500, content_type="application/problem+json")
    message = reasons.text("server_error", {"request_id": request_id})
    return HttpResponse(message, status=500, content_type="text/plain; charset=utf-8")


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | list | dict | type(None)) else str(value)
