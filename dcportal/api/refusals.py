"""Refusals and a busy database as pages; the API has its own form in `errors`."""

import logging
from collections.abc import Callable

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from dcportal.common import reasons
from dcportal.common.problems import Refusal

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
            return refusal_page(request, error.status, error.code, dict(error.params))
        if isinstance(error, OperationalError) and is_busy(error):
            logger.error("database refused work: %s", error)
            response = refusal_page(request, 503, "database_busy", {"detail": str(error)})
            response.headers["Retry-After"] = "5"
            return response
        return None


def is_busy(error: OperationalError) -> bool:
    """True for a locked, full or unreachable database: a matter of waiting or making room."""
    return any(mark in str(error).lower() for mark in BUSY_MARKS)


def refusal_page(request: HttpRequest, status: int, code: str, params: dict[str, object]) -> HttpResponse:
    """The refusal as a page, or as JSON where the caller asked for that."""
    message = reasons.text(code, params)
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"code": code, "detail": message}, status=status)
    return render(request, "refusal.html", {"status": status, "message": message}, status=status)
