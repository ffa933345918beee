from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"

    def ready(self) -> None:
        from dcportal.common import reasons
        from jobs.reasons import texts

        reasons.register(texts())
