from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "dcportal.api"
    label = "api"

    def ready(self) -> None:
        from dcportal.api.reasons import TEXTS
        from dcportal.common import reasons

        reasons.register(TEXTS)
