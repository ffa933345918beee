"""Who is told when a job ends: the webhooks of its team, on and off, and a new one."""

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from dcportal.accounts.identify import actor_of
from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from dcportal.common.problems import NotFound
from dcportal.common.visibility import may_change
from dcportal.notify.actions import add_webhook, edit_webhook
from dcportal.notify.models import Webhook
from dcportal.notify.outbox import EVENTS
from dcportal.notify.queries import webhooks
from jobs.models import Job
from jobs.queries.details import visible_job

ENDED = EVENTS[0]


def notices_context(job: Job, actor: Actor) -> dict[str, Any]:
    """For `jobs/_notices.html`. Only the host of an address is shown: its path is often a secret."""
    rows = [row for row in webhooks(actor).filter(team=job.team)[:20] if ENDED in row.events]
    return {
        "webhooks": [webhook_line(row, actor) for row in rows],
        "can_add_webhook": may_add(job, actor),
    }


def webhook_line(row: Webhook, actor: Actor) -> dict[str, Any]:
    return {
        "uid": row.uid,
        "name": row.name,
        "host": urlsplit(row.url).hostname or "",
        "is_on": row.is_enabled,
        "can_change": actor.has_role("user") and may_change(row, actor),
    }


def may_add(job: Job, actor: Actor) -> bool:
    """People who work in the job's team, and operators."""
    works_there = actor.has_role("operator") or actor.has_team_role(job.team.uid, "user")
    return actor.may("jobs") and actor.has_role("user") and works_there


@require_POST
def webhook_switch(request: HttpRequest, uid: str, hook: str) -> HttpResponse:
    """Switch a webhook of the job's team on or off, as `on` says."""
    actor = actor_of(request)
    job = visible_job(actor, uid)
    row = webhooks(actor).filter(team=job.team, uid=hook[:12]).first()
    if row is None:
        raise NotFound()
    edit_webhook(actor, row, {"is_enabled": request.POST.get("on") == "1"}, utcnow())
    return HttpResponseRedirect(reverse("jobs:job-detail", args=[uid]) + "#notices")


@require_POST
def webhook_add(request: HttpRequest, uid: str) -> HttpResponse:
    """A new webhook of the job's team; the page shows its secret, once. A wrong address is a 422 page."""
    actor = actor_of(request)
    job = visible_job(actor, uid)
    name = request.POST.get("name", "").strip() or _("webhook")
    row, secret = add_webhook(actor, job.team, name, request.POST.get("url", "").strip(), utcnow())
    context = {"job": job, "webhook": webhook_line(row, actor), "secret": secret}
    response = render(request, "jobs/webhook_added.html", context, status=201)
    response["Cache-Control"] = "no-store"
    return response
