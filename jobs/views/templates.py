"""Pages of job templates: list, edit (a new version), lock fields, retire, save from a job."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dcportal.accounts.identify import actor_of
from dcportal.common import reasons
from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from dcportal.common.problems import Invalid
from jobs import access
from jobs.actions.templates import edit_template, retire_template, save_job_as_template
from jobs.models import JobTemplate
from jobs.notation import to_toml
from jobs.queries.details import visible_job
from jobs.sources import card_of
from jobs.views.assets import one_button
from trainer.spec.fields import leaves
from trainer.spec.job import JobSpec
from trainer.spec.notation import from_toml
from trainer.spec.problems import SpecInvalid


class TemplateForm(forms.Form):
    """A template as an operator edits it: words, the request as TOML, and what a job cannot change."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    description = forms.CharField(label=gettext_lazy("Description"), required=False, max_length=1000)
    request = forms.CharField(
        label=gettext_lazy("Request (TOML)"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 22, "class": "textarea-code", "spellcheck": "false"}),
    )
    locked = forms.MultipleChoiceField(
        label=gettext_lazy("Locked settings"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("A job made from this template keeps the template's value of these."),
    )

    def __init__(self, *args: Any, **rest: Any) -> None:
        rest.setdefault("auto_id", "id_%s")
        super().__init__(*args, **rest)
        self.fields["locked"].choices = [  # type: ignore[attr-defined]
            (leaf.name, leaf.name) for leaf in leaves(JobSpec) if leaf.name not in {"schema", "job.name"}
        ]

    def clean_request(self) -> dict[str, Any]:
        """The TOML as a request; a syntax error names its line."""
        try:
            return from_toml(self.cleaned_data["request"].replace("\r\n", "\n"))
        except SpecInvalid as error:
            raise forms.ValidationError(str(error)) from error


def visible_templates(actor: Actor):  # type: ignore[no-untyped-def]
    rows = JobTemplate.objects.filter(superseded_at=None).select_related("team", "owner")
    return access.shared_visible_to(rows, actor).order_by("retired_at", "name")


@require_GET
def template_list(request: HttpRequest) -> HttpResponse:
    """Newest versions, retired ones last."""
    actor = actor_of(request)
    rows = [
        {
            "template": template,
            "card": card_of(template),
            "can_change": access.may_change_shared(template, actor),
        }
        for template in visible_templates(actor)[:200]
    ]
    return render(request, "jobs/templates.html", {"rows": rows})


@require_http_methods(["GET", "POST"])
def template_edit(request: HttpRequest, uid: str) -> HttpResponse:
    """Edit makes the next version; jobs keep the one they were made from."""
    actor = actor_of(request)
    template = access.one(visible_templates(actor), uid)
    form = TemplateForm(request.POST or None, initial=initial_of(template))
    if request.method == "POST" and form.is_valid():
        try:
            row = edit_template(actor, template, form.cleaned_data, utcnow())
            messages.success(request, _("Saved as version {n}.").format(n=row.version))
            return HttpResponseRedirect(reverse("jobs:template-list"))
        except Invalid as refusal:
            show(form, refusal)
    status = 422 if form.errors else 200
    context = {"form": form, "template": template, "can_change": access.may_change_shared(template, actor)}
    return render(request, "jobs/template_edit.html", context, status=status)


def initial_of(template: JobTemplate) -> Mapping[str, Any]:
    return {
        "name": template.name,
        "description": template.description,
        "request": to_toml(template.request),
        "locked": template.locked,
    }


def show(form: forms.Form, refusal: Invalid) -> None:
    """Problems inside the request name their setting, since the field is one text."""
    for problem in refusal.problems:
        section, _slash, rest = problem.pointer.strip("/").partition("/")
        words = reasons.text(problem.code, problem.params)
        form.add_error(section if section in form.fields else None, f"{rest}: {words}" if rest else words)


@require_POST
def template_retire(request: HttpRequest, uid: str) -> HttpResponse:
    actor = actor_of(request)
    template = access.one(visible_templates(actor), uid)
    act = lambda: retire_template(actor, template, utcnow())  # noqa: E731
    return one_button(request, act, _("Retired: no new job can be made from it."), "jobs:template-list")


@require_POST
def save_from_job(request: HttpRequest, uid: str) -> HttpResponse:
    """Any job can become a template under a name."""
    actor = actor_of(request)
    job = visible_job(actor, uid)
    name = request.POST.get("name", "").strip() or job.name
    act = lambda: save_job_as_template(actor, job, name, utcnow())  # noqa: E731
    return one_button(request, act, _("Saved as a template."), "jobs:template-list")
