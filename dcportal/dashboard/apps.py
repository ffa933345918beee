from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dcportal.dashboard"
    label = "dashboard"
