from django.apps import AppConfig


class NotifyConfig(AppConfig):
    name = "dcportal.notify"
    label = "notify"
