"""Codes of jobs and their texts: why a job waits or ended, what happened, what a request got wrong."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dcportal.common.reasons import of_choices
from jobs.engines import texts as _engines
from jobs.states import JobState
from trainer.spec import problems as _spec

WAITING = {
    "held_by": _("Held by {by}."),
    "not_before": _("Starts at {at} at the earliest."),
    "queue_closed": _("The queue {queue} is closed."),
    "dependency_waiting": _("Waits for the end of: {jobs}."),
    "dependency_failed": _("A job it depends on did not succeed: {jobs}."),
    "never_fits_gpus": _("Asks for {wanted} GPUs; the largest machine has {most}."),
    "never_fits_cpus": _("Asks for {wanted} CPU cores; the largest machine has {most}."),
    "never_fits_memory": _("Asks for more memory than any machine has."),
    "no_such_gpu_type": _("There is no GPU of type {type} here; there are: {types}."),
    "no_launchable_node": _("No machine can start jobs yet."),
    "node_drained": _("The machines it fits on take no jobs at the moment: {nodes}."),
    "team_gpu_limit": _("{team} holds {used} of its {limit} GPUs; this job wants {wanted}."),
    "waiting_for_gpus": _("Waits for {wanted} free GPUs; {node} has {free}."),
    "gpus_in_foreign_use": _("{foreign} GPUs of {node} are used by processes that are no job."),
    "cpus_busy": _("Waits for {wanted} CPU cores; {node} has {free} free."),
    "memory_busy": _("Waits for memory on {node}."),
    "higher_priority_ahead": _("{job_name} is ahead in the queue."),
    "trainer_being_installed": _("PyTorch is still being installed; it starts when that is done."),
    "retry_later": _("Tries again at {at}."),
    "power_headroom": _("The power of {node} would not suffice."),
}
EVENTS = {
    "job_queued": _("Queued by {by}."),
    "hold_requested": _("{by} asked to hold it."),
    "release_requested": _("{by} released it."),
    "cancel_requested": _("{by} asked to cancel it."),
    "priority_changed": _("{by} changed the priority from {from} to {to}."),
    "job_held": _("Held."),
    "job_released": _("No longer held."),
    "job_placed": _("Starts on {node} with {gpus} GPUs, attempt {attempt_number}."),
    "attempt_submitted": _("Handed to the engine {engine}."),
    "attempt_preparing": _("Code and environment are being prepared."),
    "job_running": _("Running."),
    "job_stopping": _("Stopping."),
    "stop_signalled": _("{signal} sent to {count} processes."),
    "process_gone": _("{name} ({pid}) is gone."),
    "checkpoint_saved": _("Checkpoint at step {step}."),
    "phase_began": _("Began: {phase}."),
    "job_requeued": _("Queued again: attempt {attempt_number} ended."),
    "job_succeeded": _("Succeeded."),
    "job_failed": _("Failed."),
    "job_cancelled": _("Cancelled; no process is left."),
    "engine_unreachable": _("The engine {engine} does not answer; the job goes on as it was."),
    "engine_back": _("The engine {engine} answers again."),
    "job_notice": _("{message}"),
    "log_bytes_dropped": _("{bytes} bytes of the log were dropped."),
}
#: What a run says it is doing outside its steps; a script's own phases are shown as they are.
PHASES = {
    "preparing": _("fetching code"),
    "launching": _("starting processes"),
    "imports": _("importing libraries"),
    "import": _("importing libraries"),
    "rendezvous": _("ranks meet"),
    "data": _("reading data"),
    "compile": _("compiling"),
    "evaluate": _("evaluating"),
    "checkpoint": _("saving a checkpoint"),
}
CAUSES = {
    "done": _("Ended by itself with exit code 0."),
    "cancelled": _("Cancelled by {by}."),
    "cancelled_before_start": _("Cancelled by {by} before it started."),
    "stopped_resumable": _("Stopped on request after saving a checkpoint."),
    "bad_config_or_data": _("Its configuration or data is wrong."),
    "user_error": _("The program failed."),
    "diverged": _("Training diverged: the loss is no finite number."),
    "out_of_memory": _("Ran out of memory."),
    "storage_failed": _("Storage could not be written or read."),
    "exit_code": _("Ended with exit code {exit_code}."),
    "time_limit": _("Ran for its whole time limit."),
    "engine_lost": _("The engine no longer knows this attempt."),
    "engine_refused": _("The engine refused to start it."),
    "preempted": _("Interrupted for a more urgent job."),
    "requeue_limit": _("Interrupted {count} times; not started again."),
    "secret_unreadable": _("A secret cannot be read any more: {name}."),
    "needs_isolation": _(
        "This engine cannot keep jobs apart from the portal; only administrators may launch."
    ),
    "unknown": _("The cause is not known."),
}
REFUSALS = {
    "not_yours": _("Only {owner}, operators of the team and operators of the site may change this."),
    "needs_person": _("Only people can own something; this was asked by a process."),
    "already_stopping": _("It is being cancelled."),
    "job_is": _("This is not possible any more: the job is {state}."),
    "is_default": _("This is the default one and stays."),
    "template_not_current": _("There is a newer version of {name}, or it was retired."),
    "job_has_no_attempt": _("It has not started yet."),
}
PROBLEMS = {
    "no_such_team": _("{value} is no team you work in."),
    "choose_team": _("You work in several teams; name one of: {teams}."),
    "no_team": _("You belong to no team yet; ask an administrator to add you to one."),
    "no_such_queue": _("There is no queue named {value}."),
    "queue_is_closed": _("The queue {value} is closed."),
    "no_such_environment": _("There is no environment named {value}."),
    "no_such_dataset": _("There is no data set named {value} that you may read."),
    "no_such_secret": _("{team} has no secret named {value}."),
    "no_such_upload": _("There is no upload {value}."),
    "no_such_path": _("There is no {path} on the server."),
    "unreadable_path": _("The portal may not read {path}."),
    "protected_path": _("Jobs may not use {path}."),
    "not_an_interpreter": _("{path} is no program that can be run."),
    "no_such_gpu_type_here": _("No GPU of type {value} can be had; choose one of: {types}."),
    "no_gpus_here": _("No GPU can be had here; choose 0 to run on the CPU."),
    "more_gpus_than_a_node": _("No machine has {wanted} GPUs; choose at most {most}."),
    "no_torch_there": _("The environment has no working PyTorch: {detail}"),
    "torch_is_cpu_only": _(
        "PyTorch {torch} in this environment is built for CPUs only, while the driver is {driver}. "
        "Mend it with: {command}"
    ),
    "torch_cannot_use_gpus": _(
        "PyTorch {torch} (CUDA {cuda}) cannot use the GPUs with driver {driver}: {detail} "
        "Mend it with: {command}"
    ),
    "not_isolated": _(
        "The engines here ({engines}) cannot keep jobs apart from the portal; only administrators may launch."
    ),
    "locked_by_template": _("The template locks {setting}."),
    "template_retired": _("The template {name} was retired."),
    "bad_idempotency_key": _("An Idempotency-Key has at most 255 printable ASCII characters."),
    "idempotency_key_reused": _("This Idempotency-Key was used with another request."),
    "out_of_range": _("Must be a whole number from {minimum} to {maximum}."),
    "bad_name": _("Must be one line of at most {maximum} printable characters."),
    "bad_path": _("Must be a path of printable characters."),
    "bad_secret_value": _("Must be text of 1 to {maximum} bytes without NUL."),
    "not_an_archive": _("Must be an archive whose name ends in one of: {endings}."),
    "no_such_template": _("There is no template {value}."),
    "read_only": _("This cannot be set."),
}


def spec_texts() -> Mapping[str, str | Promise]:
    """Texts of the validator's codes, and of the types they expect. The API has its own for `required`."""
    codes: dict[str, str | Promise] = {
        code: _(text) for code, text in _spec.CODES.items() if code != "required"
    }
    return codes | {f"wrong_type.{name}": _(text) for name, text in _spec.EXPECTED.items()}


def engine_texts() -> Mapping[str, str | Promise]:
    """Texts of the codes that engines and code preparation give."""
    return {code: _(text) for code, text in _engines.TEXTS.items()}


def texts() -> dict[str, Any]:
    """All codes of this app, for `common.reasons.register`."""
    parts: list[Mapping[str, Any]] = [
        spec_texts(),
        engine_texts(),
        WAITING,
        EVENTS,
        {f"phase_began.{name}": words for name, words in PHASES.items()},
        CAUSES,
        REFUSALS,
        of_choices("job_is", JobState.choices),
        PROBLEMS,
    ]
    return {code: text for part in parts for code, text in part.items()}
