"""Every change of jobs and what they are made from; nothing else writes these tables."""

from jobs.actions.control import cancel, cancel_many, hold, release, set_priority
from jobs.actions.datasets import add_dataset, edit_dataset, remove_dataset, scan_dataset
from jobs.actions.environments import (
    add_environment,
    check_environment,
    edit_environment,
    remove_environment,
)
from jobs.actions.events import emit
from jobs.actions.moves import move_attempt, move_job
from jobs.actions.queues import add_queue, edit_queue, remove_queue
from jobs.actions.secrets import add_secret, remove_secret, replace_secret
from jobs.actions.submission import clone, clone_request, submit, submit_once
from jobs.actions.templates import (
    edit_template,
    lock_settings,
    retire_template,
    save_job_as_template,
    save_template,
)
from jobs.actions.uploads import add_upload

__all__ = [
    "add_dataset",
    "add_environment",
    "add_queue",
    "add_secret",
    "add_upload",
    "cancel",
    "cancel_many",
    "check_environment",
    "clone",
    "clone_request",
    "edit_dataset",
    "edit_environment",
    "edit_queue",
    "edit_template",
    "emit",
    "hold",
    "lock_settings",
    "move_attempt",
    "move_job",
    "release",
    "remove_dataset",
    "remove_environment",
    "remove_queue",
    "remove_secret",
    "replace_secret",
    "retire_template",
    "save_job_as_template",
    "save_template",
    "scan_dataset",
    "set_priority",
    "submit",
    "submit_once",
]
