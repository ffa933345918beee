from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "dcportal.operations"
    label = "operations"
