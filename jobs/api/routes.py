"""Which address is served by which view set."""

from rest_framework.routers import BaseRouter

from jobs.api.assets import (
    DatasetViewSet,
    EnvironmentViewSet,
    QueueViewSet,
    SecretViewSet,
    UploadViewSet,
)
from jobs.api.jobs import JobViewSet
from jobs.api.templates import JobTemplateViewSet


def register(router: BaseRouter) -> None:
    """Add the routes of jobs below `/api/v1/`."""
    router.register("jobs", JobViewSet)
    router.register("job-templates", JobTemplateViewSet)
    router.register("environments", EnvironmentViewSet)
    router.register("datasets", DatasetViewSet)
    router.register("secrets", SecretViewSet)
    router.register("queues", QueueViewSet)
    router.register("code-uploads", UploadViewSet)
