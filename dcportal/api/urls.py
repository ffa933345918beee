"""The REST API's addresses: one router, the schema and its browser."""

from importlib import import_module
from importlib.util import find_spec

from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from dcportal.api.refusals import no_such_route
from dcportal.api.schema import SchemaView, browser

app_name = "api"
APPS = ["dcportal.inventory", "dcportal.accounts", "dcportal.audit", "dcportal.notify", "jobs", "monitoring"]


def routes() -> SimpleRouter:
    """The routes that each app's `api` module registers; `/nodes` and `/nodes/` are the same."""
    router = SimpleRouter()
    router.trailing_slash = "/?"  # type: ignore[assignment]
    for app in APPS:
        if find_spec(f"{app}.api"):
            register = getattr(import_module(f"{app}.api"), "register", None)
            if register is not None:
                register(router)
    return router


urlpatterns = [
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", browser, name="docs"),
    path("v1/", include(routes().urls)),
    re_path(r"", no_such_route),
]
