"""Pages of what jobs are made from: environments, data sets, secrets, queues."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dcportal.accounts.identify import actor_of
from dcportal.common import reasons
from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from dcportal.common.problems import Conflict, Invalid
from dcportal.common.visibility import visible_to
from jobs import access
from jobs.actions import datasets, environments, queues, secrets
from jobs.forms.assets import DatasetForm, EnvironmentForm, QueueForm, SecretForm
from jobs.models import Environment, Queue, Secret

SHOWN = 200


def team_of(form: forms.Form) -> dict[str, Any]:
    """The team as actions take it: `-` stands for the whole site."""
    team = form.cleaned_data["team"]
    return {"for_site": True} if team == "-" else {"team": team or None}


def list_page(
    request: HttpRequest,
    template: str,
    rows: QuerySet[Any],
    form: forms.Form,
    add: Callable[[forms.Form], object],
    said: str,
) -> HttpResponse:
    """A list with the form that adds to it; POST adds, and shows what was wrong beside each field."""
    if request.method == "POST" and form.is_valid():
        try:
            add(form)
            messages.success(request, said)
            return HttpResponseRedirect(request.path)
        except Invalid as refusal:
            show_problems(form, refusal)
    status = 422 if request.method == "POST" else 200
    can_add = actor_of(request).has_role("user")
    context = {"rows": rows[:SHOWN], "form": form, "can_add": can_add, "is_open": form.is_bound}
    return render(request, template, context, status=status)


def show_problems(form: forms.Form, refusal: Invalid) -> None:
    for problem in refusal.problems:
        name = problem.pointer.strip("/").split("/")[0]
        form.add_error(name if name in form.fields else None, reasons.text(problem.code, problem.params))


def one_button(request: HttpRequest, act: Callable[[], object], said: str, back: str) -> HttpResponse:
    """Do it, say so or why not, and go back to the list."""
    try:
        act()
        messages.success(request, said)
    except Invalid as refusal:
        for problem in refusal.problems:
            messages.warning(request, reasons.text(problem.code, problem.params))
    except Conflict as refusal:
        messages.warning(request, reasons.text(refusal.code, refusal.params))
    return HttpResponseRedirect(reverse(back))


def environments_of(actor: Actor) -> QuerySet[Environment]:
    return access.shared_visible_to(Environment.objects.select_related("team"), actor)


@require_http_methods(["GET", "POST"])
def environment_list(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)

    def add(form: forms.Form) -> object:
        data = form.cleaned_data
        return environments.add_environment(
            actor,
            data["name"],
            data["interpreter"],
            utcnow(),
            description=data["description"],
            **team_of(form),
        )

    form = EnvironmentForm(request.POST or None, actor=actor)
    rows = environments_of(actor)
    return list_page(
        request, "jobs/environments.html", rows, form, add, _("Environment added. Check it now.")
    )


@require_POST
def environment_check(request: HttpRequest, uid: str) -> HttpResponse:
    actor = actor_of(request)
    row = access.one(environments_of(actor), uid)
    act = lambda: environments.check_environment(actor, row, utcnow())  # noqa: E731
    return one_button(request, act, _("Checked."), "jobs:environment-list")


@require_POST
def environment_remove(request: HttpRequest, uid: str) -> HttpResponse:
    actor = actor_of(request)
    row = access.one(environments_of(actor), uid)
    act = lambda: environments.remove_environment(actor, row, utcnow())  # noqa: E731
    return one_button(request, act, _("Removed."), "jobs:environment-list")


@require_http_methods(["GET", "POST"])
def dataset_list(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)

    def add(form: forms.Form) -> object:
        data = form.cleaned_data
        readers = [name.strip() for name in data["readers"].split(",") if name.strip()]
        return datasets.add_dataset(
            actor,
            data["name"],
            data["path"],
            utcnow(),
            description=data["description"],
            team=data["team"] or None,
            readers=readers,
        )

    form = DatasetForm(request.POST or None, actor=actor)
    rows = access.datasets_visible_to(actor)
    return list_page(request, "jobs/datasets.html", rows, form, add, _("Data set registered."))


@require_POST
def dataset_scan(request: HttpRequest, uid: str) -> HttpResponse:
    actor = actor_of(request)
    row = access.one(access.datasets_visible_to(actor), uid)
    act = lambda: datasets.scan_dataset(actor, row, utcnow())  # noqa: E731
    return one_button(request, act, _("Scanned."), "jobs:dataset-list")


@require_POST
def dataset_remove(request: HttpRequest, uid: str) -> HttpResponse:
    actor = actor_of(request)
    row = access.one(access.datasets_visible_to(actor), uid)
    act = lambda: datasets.remove_dataset(actor, row, utcnow())  # noqa: E731
    return one_button(request, act, _("Removed."), "jobs:dataset-list")


@require_http_methods(["GET", "POST"])
def secret_list(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)

    def add(form: forms.Form) -> object:
        data = form.cleaned_data
        return secrets.add_secret(
            actor,
            data["name"],
            data["value"],
            utcnow(),
            description=data["description"],
            team=data["team"] or None,
        )

    form = SecretForm(request.POST or None, actor=actor)
    rows = visible_to(Secret.objects.select_related("team", "owner"), actor)
    return list_page(request, "jobs/secrets.html", rows, form, add, _("Secret kept."))


@require_POST
def secret_remove(request: HttpRequest, uid: str) -> HttpResponse:
    actor = actor_of(request)
    row = access.one(visible_to(Secret.objects.all(), actor), uid)
    act = lambda: secrets.remove_secret(actor, row, utcnow())  # noqa: E731
    return one_button(request, act, _("Removed."), "jobs:secret-list")


@require_http_methods(["GET", "POST"])
def queue_list(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)

    def add(form: forms.Form) -> object:
        data = form.cleaned_data
        return queues.add_queue(
            actor, data["name"], utcnow(), description=data["description"], weight=data["weight"]
        )

    rows = access.shared_visible_to(Queue.objects.all(), actor)
    form = QueueForm(request.POST or None, auto_id="id_%s")
    return list_page(request, "jobs/queues.html", rows, form, add, _("Queue added."))
