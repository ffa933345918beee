"""Launch page: template gallery, the request as form, TOML and command line, and a preview."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dcportal.accounts.identify import actor_of
from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from dcportal.common.problems import Invalid, Problem
from jobs.access import require_user
from jobs.actions.submission import check, effective_request, submit
from jobs.actions.templates import save_template
from jobs.forms.choices import choices_for
from jobs.forms.request import RequestForm
from jobs.models import Job
from jobs.notation import to_cli, to_curl, to_toml
from jobs.preview import preview_of
from jobs.queries.lists import jobs_list
from jobs.sources import Source, gallery, source_of
from trainer.spec.notation import from_toml
from trainer.spec.problems import SpecInvalid


@require_http_methods(["GET", "POST"])
def launch(request: HttpRequest) -> HttpResponse:
    """GET shows the form for `?template=` or `?clone=`; POST launches and goes to the job's page."""
    actor = actor_of(request)
    require_user(actor)
    source = source_of(request.GET, actor)
    form = form_for(request, source, request.POST if request.method == "POST" else None)
    if request.method == "GET":
        return render(request, "jobs/launch.html", page(request, source, form))
    try:
        job = submit(actor, form.request(), utcnow(), template=source.template, cloned_from=source.job)
    except Invalid as refusal:
        form.show_problems(refusal.problems)
        return render(request, "jobs/launch.html", page(request, source, form), status=422)
    return HttpResponseRedirect(reverse("jobs:job-detail", args=[job.uid]))


@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Keep what the form says as a template of one's team, named `template_name`; goes to the list."""
    actor = actor_of(request)
    require_user(actor)
    source = source_of(request.GET, actor)
    form = form_for(request, source, request.POST)
    name = request.POST.get("template_name", "").strip() or _("My template")
    try:
        wanted = effective_request(form.request(), source.template)
        row = save_template(actor, name, wanted, utcnow())
    except Invalid as refusal:
        form.show_problems(within_request(refusal.problems))
        return render(request, "jobs/launch.html", page(request, source, form), status=422)
    messages.success(request, _("Saved as the template {name}.").format(name=row.name))
    return HttpResponseRedirect(f"{reverse('jobs:launch')}?{urlencode({'template': row.uid})}")


def within_request(problems: Iterable[Problem]) -> list[Problem]:
    """Problems of a template's request, at the pointers of the request itself."""
    return [Problem(each.pointer.removeprefix("/request"), each.code, each.params) for each in problems]


@require_POST
def draft(request: HttpRequest) -> HttpResponse:
    """The parts of the page for what is typed so far, in the form or as TOML; changes nothing."""
    actor = actor_of(request)
    require_user(actor)
    source = source_of(request.GET, actor)
    if request.POST.get("source") != "toml":
        form = form_for(request, source, request.POST)
        return render(request, "jobs/_launch_draft.html", page(request, source, form, with_messages=True))
    toml = request.POST.get("toml", "").replace("\r\n", "\n")
    try:
        typed = from_toml(toml)
    except SpecInvalid as error:
        form = form_for(request, source, request.POST)
        context = page(request, source, form, with_messages=True)
        return render(request, "jobs/_launch_draft.html", {**context, "toml_problem": str(error)})
    form = form_of_request(request, source, typed)
    return render(
        request,
        "jobs/_launch_draft.html",
        {**page(request, source, form, typed=typed, with_messages=True), "toml": toml},
    )


def form_for(request: HttpRequest, source: Source, data: QueryDict | None) -> RequestForm:
    return RequestForm(
        data,
        initial_request=source.request,
        locked=source.locked,
        choices=choices_for(actor_of(request)),
    )


def form_of_request(request: HttpRequest, source: Source, typed: dict[str, Any]) -> RequestForm:
    """A form that holds what was typed as TOML."""
    shown = RequestForm(initial_request=typed, choices=choices_for(actor_of(request)))
    data = QueryDict(mutable=True)
    for name, field in shown.fields.items():
        data[name] = str(shown.initial[name] if field is not None else "")
    return RequestForm(
        data,
        initial_request={**source.request, **typed},
        locked=source.locked,
        choices=choices_for(actor_of(request)),
    )


def page(
    request: HttpRequest,
    source: Source,
    form: RequestForm,
    *,
    typed: dict[str, Any] | None = None,
    with_messages: bool = False,
) -> dict[str, Any]:
    """Everything that the page and its parts show."""
    actor = actor_of(request)
    wanted = typed if typed is not None else form.request()
    _whole, problems = check(actor, wanted, source.template)
    if with_messages:
        form.show_problems(problems)
    return {
        "templates": gallery(actor),
        "chosen": source.template,
        "form": form,
        "toml": to_toml(wanted),
        "cli": to_cli(wanted, source.template_slug, source.request),
        "curl": to_curl(wanted, request.build_absolute_uri("/").rstrip("/")),
        "preview": preview_of(actor, wanted, problems),
        "source_query": urlencode(source.query),
        "cloned_from": source.job,
        "past_jobs": [] if with_messages else past_jobs(actor),
    }


def past_jobs(actor: Actor) -> list[Job]:
    """The actor's last jobs, to start from."""
    return list(jobs_list(actor, {"owner": "me"})[:8])
