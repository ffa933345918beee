from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "dcportal.audit"
    label = "audit"
