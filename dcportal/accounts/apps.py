from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "dcportal.accounts"
    label = "accounts"
