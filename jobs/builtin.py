"""Rows that every installation starts with: the trainer's environment and the template gallery.

`ensure` may be called at every start: it adds what is missing and changes nothing that people edited.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop

from dcportal import env
from dcportal.audit import actions as audit
from dcportal.common.actors import Actor, system_actor
from dcportal.common.changes import create, snapshot, update
from jobs.models import Environment, JobTemplate, Queue
from trainer.spec import notation, validation

_EXAMPLES = Path(__file__).parent.parent / "trainer" / "examples"


def _train(example: str) -> dict[str, Any]:
    """The settings with which the trainer's own example lasts a minute or two and learns something."""
    return dict(notation.from_toml((_EXAMPLES / f"{example}.toml").read_text())["train"])


TEMPLATES: dict[str, dict[str, Any]] = {
    "digits-cnn": {
        "name": gettext_noop("Digits CNN"),
        "description": gettext_noop("A small convolutional network learns to read 1,797 handwritten digits."),
        "icon": "photo",
        "request": {
            "job": {"name": "digits-cnn"},
            "train": _train("digits_cnn"),
        },
    },
    "tabular-mlp": {
        "name": gettext_noop("Tabular MLP"),
        "description": gettext_noop(
            "A multi-layer perceptron tells benign from malignant in 569 rows of measurements."
        ),
        "icon": "table",
        "request": {
            "job": {"name": "tabular-mlp"},
            "train": _train("breast_cancer_mlp"),
        },
    },
    "character-gpt": {
        "name": gettext_noop("Character GPT"),
        "description": gettext_noop(
            "A small transformer learns to write Python's own documentation, letter by letter."
        ),
        "icon": "text",
        "request": {
            "job": {"name": "character-gpt"},
            "train": _train("topics_gpt"),
        },
    },
    "own-script": {
        "name": gettext_noop("Own script"),
        "description": gettext_noop(
            "Your own program from a folder, a git repository or an upload, unchanged."
        ),
        "icon": "code",
        "request": {"job": {"name": "own-script"}, "command": ["python", "train.py"]},
    },
}


def ensure(now: datetime) -> None:
    """Add the default environment and the built-in templates where they are missing."""
    actor = system_actor("portal")
    ensure_queue(now)
    ensure_environment(actor, now)
    known = set(JobTemplate.objects.exclude(builtin="").values_list("builtin", flat=True))
    for key in TEMPLATES.keys() - known:
        _add_template(actor, key, now)


def ensure_queue(now: datetime) -> Queue:
    """The queue that a job joins when its request names none; a migration makes it, this mends its loss."""
    queue = Queue.objects.filter(is_default=True).first()
    return queue or create(Queue(name="default", is_default=True), now)


def ensure_environment(actor: Actor, now: datetime) -> Environment:
    """The trainer's environment, following DCP_TRAINER_PYTHON when that changed."""
    interpreter = str(env.trainer_python())
    row = Environment.objects.filter(is_default=True).first()
    if row is None:
        row = create(Environment(name="trainer", interpreter=interpreter, is_default=True), now)
        audit.record(actor, "environment.create", row, before=None, after=snapshot(row), now=now)
    elif row.interpreter != interpreter:
        before = snapshot(row)
        update(row, {"interpreter": interpreter, "check_result": None, "checked_at": None}, now)
        audit.record(actor, "environment.edit", row, before=before, after=snapshot(row), now=now)
    return row


def _add_template(actor: Actor, key: str, now: datetime) -> None:
    values = TEMPLATES[key]
    row = JobTemplate(
        builtin=key, name=values["name"], description=values["description"], icon=values["icon"]
    )
    row.family = row.uid
    row.request = notation.as_dict(validation.parse(values["request"]))
    # Ranks are left open: their default depends on the GPUs asked for.
    row.request["resources"].pop("ranks")
    create(row, now)
    audit.record(actor, "job_template.create", row, before=None, after=snapshot(row), now=now)
