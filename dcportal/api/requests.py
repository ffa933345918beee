"""A request id on every request, answered back in `X-Request-ID` and written to the audit trail."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from dcportal.common.ids import new_uid

ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestIdMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request.request_id = given if ACCEPTED.fullmatch(given) else new_uid()  # type: ignore[attr-defined]
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]
        return response
