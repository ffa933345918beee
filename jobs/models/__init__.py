"""Tables of jobs, by noun."""

from jobs.models.attempts import AcceleratorClaim, Attempt
from jobs.models.definitions import CodeUpload, Dataset, Environment, JobTemplate, Queue, Secret
from jobs.models.jobs import Job, JobDependency, SubmissionKey
from jobs.models.scheduling import Decision, EngineStatus, SchedulerLease
from jobs.models.traces import Artifact, Checkpoint, CurveBlock, FollowOffset, JobEvent

__all__ = [
    "AcceleratorClaim",
    "Artifact",
    "Attempt",
    "Checkpoint",
    "CodeUpload",
    "CurveBlock",
    "Dataset",
    "Decision",
    "EngineStatus",
    "Environment",
    "FollowOffset",
    "Job",
    "JobDependency",
    "JobEvent",
    "JobTemplate",
    "Queue",
    "SchedulerLease",
    "Secret",
    "SubmissionKey",
]
