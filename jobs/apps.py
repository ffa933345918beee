from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"

    def ready(self) -> None:
        from dcportal.common import reasons
        from jobs import ports, stream
        from jobs.reasons import texts
        from jobs.telemetry import MonitoringTelemetry

        reasons.register(texts())
        ports.register_telemetry(MonitoringTelemetry())
        stream.register()
