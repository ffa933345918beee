"""Every address of the portal; each app's urls are included once."""

from django.urls import include, path
from django.views.i18n import JavaScriptCatalog

from dcportal.accounts.views.profile import set_language
from dcportal.api.health import healthz, readyz

handler400 = "dcportal.api.refusals.bad_request"
handler403 = "dcportal.api.refusals.permission_denied"
handler404 = "dcportal.api.refusals.page_not_found"
handler500 = "dcportal.api.refusals.server_error"

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("", include("dcportal.dashboard.urls")),
    path("", include("dcportal.accounts.urls")),
    path("", include("dcportal.inventory.urls")),
    path("", include("jobs.urls")),
    path("", include("monitoring.urls")),
    path("audit/", include("dcportal.audit.urls")),
    path("i18n/setlang/", set_language, name="set_language"),
    path("i18n/catalogue.js", JavaScriptCatalog.as_view(), name="javascript-catalog"),
    path("api/", include("dcportal.api.urls")),
]
