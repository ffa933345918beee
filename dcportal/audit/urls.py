"""Addresses of the trail."""

from django.urls import path

import dcportal.common.paths  # noqa: F401  registers <uid:...>
from dcportal.audit import views

app_name = "audit"
urlpatterns = [
    path("", views.audit_list, name="list"),
    path("<uid:uid>/", views.audit_detail, name="detail"),
]
