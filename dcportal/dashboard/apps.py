from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dcportal.dashboard"
    label = "dashboard"

    def ready(self) -> None:
        from dcportal.dashboard.fleet import cell_states
        from monitoring.hub import add_state

        add_state("overview", lambda key: {"cells": cell_states()})
