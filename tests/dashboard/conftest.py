"""The machine and the jobs of tests/jobs, for pages that show both."""

from tests.jobs.conftest import a_request, node_with, submitted  # noqa: F401
