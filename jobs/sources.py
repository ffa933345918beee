"""What a launch starts from: a template, a job to clone, or nothing but a name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from dcportal.common.actors import Actor
from jobs import access, board, builtin
from jobs.actions.submission import clone_request
from jobs.models import Job, JobTemplate

OWN_SCRIPT = {"job": {"name": "my-script"}, "command": ["python", "train.py"]}


@dataclass(frozen=True)
class Source:
    """The request that a form starts with, and where it came from."""

    request: Mapping[str, Any]
    template: JobTemplate | None = None
    job: Job | None = None
    query: dict[str, str] = field(default_factory=dict)

    @property
    def locked(self) -> list[str]:
        return self.template.locked if self.template else []

    @property
    def template_slug(self) -> str | None:
        """The name that `dcp submit` takes."""
        return (self.template.builtin or self.template.uid) if self.template else None


@dataclass(frozen=True, slots=True)
class Card:
    """One template in the gallery."""

    uid: str
    name: str
    description: str
    icon: str
    needs: str
    url: str


def source_of(query: Mapping[str, str], actor: Actor) -> Source:
    """The source named by `?template=` or `?clone=`; else the first template. Raises NotFound."""
    if query.get("clone"):
        jobs = access.jobs_visible_to(actor).select_related("team", "owner", "template")
        job = access.one(jobs, query["clone"])
        return Source(clone_request(actor, job), job=job, query={"clone": job.uid})
    templates = usable_templates(actor)
    wanted = query.get("template")
    if not wanted and not templates.exists():
        return Source(OWN_SCRIPT)
    template = access.one(templates, wanted) if wanted else first_choice(actor)
    return Source(with_suggestion(template.request), template, query={"template": template.uid})


def first_choice(actor: Actor) -> JobTemplate:
    """The template that is open before anybody chose: the one of the first-run walk."""
    templates = list(usable_templates(actor))
    return next((each for each in templates if each.builtin == "digits-cnn"), templates[0])


def usable_templates(actor: Actor):  # type: ignore[no-untyped-def]
    """Newest versions that are not retired and that the actor may see, built-in ones first."""
    rows = JobTemplate.objects.filter(superseded_at=None, retired_at=None)
    return access.shared_visible_to(rows, actor).order_by("-builtin", "name")


def with_suggestion(request: Mapping[str, Any]) -> dict[str, Any]:
    """The template's request with ranks and GPUs as they fit this moment, where it leaves them open."""
    suggested = board.suggested_resources(board.free_board(), None)
    resources = {**suggested, **(request.get("resources") or {})}
    return {**request, "resources": resources}


def gallery(actor: Actor) -> list[Card]:
    """The cards of the launch page."""
    shown = sorted(usable_templates(actor)[:60], key=place_of)
    return [card_of(template) for template in shown]


def place_of(template: JobTemplate) -> tuple[int, str]:
    """Built-in ones first, in the order of their table, then by name."""
    order = list(builtin.TEMPLATES)
    known = template.builtin in order
    return (order.index(template.builtin) if known else len(order), template.name)


def card_of(template: JobTemplate) -> Card:
    return Card(
        uid=template.uid,
        name=_(template.name) if template.builtin else template.name,
        description=_(template.description) if template.builtin else template.description,
        icon=template.icon,
        needs=needs_of(template),
        url=f"{reverse('jobs:launch')}?{urlencode({'template': template.uid})}",
    )


def needs_of(template: JobTemplate) -> str:
    """What it runs on, in a few words."""
    gpus = (template.request.get("resources") or {}).get("gpus")
    return _("{n} GPUs").format(n=gpus) if gpus else _("CPU or GPU")
