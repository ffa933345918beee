"""The REST API's addresses: one router, schema and its browser, both from here."""

from django.urls import URLPattern

app_name = "api"
urlpatterns: list[URLPattern] = []
