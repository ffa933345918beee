"""Start, stop and look after an installation; owns no tables."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "dcportal.operations"
