from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "dcportal.accounts"
    label = "accounts"

    def ready(self) -> None:
        from dcportal.accounts.reasons import TEXTS
        from dcportal.common import reasons

        reasons.register(TEXTS)
