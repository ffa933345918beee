"""States of jobs and attempts, and which move may follow which. Pure tables; `actions.moves` writes them."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Desired(models.TextChoices):
    """What people want; only their actions write it."""

    RUN = "run", _("Run")
    HOLD = "hold", _("Hold")
    STOP = "stop", _("Stop")


class JobState(models.TextChoices):
    """Where a job is; after `queued` only the scheduler writes it."""

    DRAFT = "draft", _("Draft")
    QUEUED = "queued", _("Queued")
    HELD = "held", _("Held")
    STARTING = "starting", _("Starting")
    RUNNING = "running", _("Running")
    STOPPING = "stopping", _("Stopping")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class AttemptState(models.TextChoices):
    """Where one start of a job is. `prepared`: written down, not yet given to an engine."""

    PREPARED = "prepared", _("Prepared")
    SUBMITTED = "submitted", _("Submitted")
    STARTING = "starting", _("Starting")
    RUNNING = "running", _("Running")
    STOPPING = "stopping", _("Stopping")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    PREEMPTED = "preempted", _("Interrupted")
    LOST = "lost", _("Lost")


class Kind(models.TextChoices):
    """What sort of work a job is."""

    BATCH = "batch", _("Batch")
    TRIAL = "trial", _("Trial")
    SERVICE = "service", _("Service")
    INTERACTIVE = "interactive", _("Interactive")
    PREPARE = "prepare", _("Preparation")


J, A = JobState, AttemptState

JOB_TERMINAL = frozenset({J.SUCCEEDED, J.FAILED, J.CANCELLED})
JOB_WAITING = frozenset({J.QUEUED, J.HELD})
JOB_LIVE = frozenset({J.STARTING, J.RUNNING, J.STOPPING})
JOB_OPEN = JOB_WAITING | JOB_LIVE
JOB_MOVES: dict[str, frozenset[str]] = {
    J.DRAFT: frozenset({J.QUEUED, J.CANCELLED}),
    J.QUEUED: frozenset({J.HELD, J.STARTING, J.FAILED, J.CANCELLED}),
    J.HELD: frozenset({J.QUEUED, J.CANCELLED}),
    J.STARTING: frozenset({J.RUNNING, J.STOPPING, J.QUEUED, *JOB_TERMINAL}),
    J.RUNNING: frozenset({J.STOPPING, J.QUEUED, *JOB_TERMINAL}),
    J.STOPPING: frozenset({J.QUEUED, *JOB_TERMINAL}),
    J.SUCCEEDED: frozenset(),
    J.FAILED: frozenset(),
    J.CANCELLED: frozenset(),
}

ATTEMPT_TERMINAL = frozenset({A.SUCCEEDED, A.FAILED, A.CANCELLED, A.PREEMPTED, A.LOST})
ATTEMPT_LIVE = frozenset({A.PREPARED, A.SUBMITTED, A.STARTING, A.RUNNING, A.STOPPING})
_ORDER = [A.PREPARED, A.SUBMITTED, A.STARTING, A.RUNNING, A.STOPPING]
# Forward only; a step may be skipped because polls see an attempt now and then, not all the time.
ATTEMPT_MOVES: dict[str, frozenset[str]] = {
    **{state: frozenset({*_ORDER[place + 1 :], *ATTEMPT_TERMINAL}) for place, state in enumerate(_ORDER)},
    **{state: frozenset() for state in ATTEMPT_TERMINAL},
}


def may_move(moves: dict[str, frozenset[str]], old: str, new: str) -> bool:
    """Whether `new` may follow `old` in a table of moves."""
    return new in moves[old]
