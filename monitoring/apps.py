from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "monitoring"

    def ready(self) -> None:
        from dcportal.common import reasons
        from monitoring import topics
        from monitoring.reasons import TEXTS

        reasons.register(TEXTS)
        topics.register()
