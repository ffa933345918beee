"""Default deny for pages, and the reader's language and time zone."""

import zoneinfo
from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from dcportal.accounts.identify import actor_of

OPEN_PREFIXES = ("/sign-in/", "/link/", "/static/", "/i18n/")
OPEN_PATHS = {"/healthz", "/readyz", "/metrics", "/favicon.ico"}
OWN_AUTHENTICATION = "/api/"

Handler = Callable[[HttpRequest], HttpResponse]


class SignInRequiredMiddleware:
    """Every URL asks for a sign-in unless it is named here; the API answers 401 by itself."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # For apps below this one, which cannot import `actor_of`.
        request.actor = SimpleLazyObject(partial(actor_of, request))  # type: ignore[attr-defined]
        if request.user.is_authenticated or is_open(request.path):
            return self.get_response(request)
        if request.headers.get("HX-Request"):
            return HttpResponse(status=401, headers={"HX-Redirect": "/sign-in/"})
        return redirect_to_login(request.get_full_path())


def is_open(path: str) -> bool:
    """True for what may be asked without a sign-in, and for the API, which checks for itself."""
    return path in OPEN_PATHS or path.startswith((*OPEN_PREFIXES, OWN_AUTHENTICATION))


class ReaderLocaleMiddleware:
    """Language: chosen by the person, else the cookie, else what the browser prefers."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        cookie = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
        preferred = user.language if user.is_authenticated else None
        language = _known(preferred or cookie) or translation.get_language_from_request(request)
        with translation.override(language), timezone.override(_zone(user)):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", language)
            return response


def _known(language: str | None) -> str | None:
    return language if language in dict(settings.LANGUAGES) else None


def _zone(user: object) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(getattr(user, "timezone", "") or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")
