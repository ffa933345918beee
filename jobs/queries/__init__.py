"""Everything that pages, API, sockets and other apps read of jobs."""

from jobs.board import Board, GpuType, free_board, suggested_resources
from jobs.queries.curves import Curve, curves_of, metric_names
from jobs.queries.details import (
    JobBundle,
    dependencies_state,
    events_after,
    job_bundle,
    visible_job,
)
from jobs.queries.lists import FILTERS, filtered, jobs_list, state_counts, waiting_jobs
from jobs.queries.logs import log_window

__all__ = [
    "FILTERS",
    "Board",
    "Curve",
    "GpuType",
    "JobBundle",
    "curves_of",
    "dependencies_state",
    "events_after",
    "filtered",
    "free_board",
    "job_bundle",
    "jobs_list",
    "log_window",
    "metric_names",
    "state_counts",
    "suggested_resources",
    "visible_job",
    "waiting_jobs",
]
