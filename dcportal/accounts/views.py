"""Pages of people, teams and tokens."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def locked_out(request: HttpRequest, credentials: dict[str, Any], *args: Any, **kwargs: Any) -> HttpResponse:
    """What django-axes shows after too many wrong passwords."""
    return render(request, "accounts/locked_out.html", status=429)
