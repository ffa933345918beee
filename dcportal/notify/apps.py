from django.apps import AppConfig


class NotifyConfig(AppConfig):
    name = "dcportal.notify"
    label = "notify"

    def ready(self) -> None:
        from dcportal.common import reasons
        from dcportal.notify.reasons import TEXTS

        reasons.register(TEXTS)
