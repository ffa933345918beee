"""Buttons of the job page: hold, release, cancel."""

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from dcportal.accounts.identify import actor_of
from dcportal.common import reasons
from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from dcportal.common.problems import Conflict
from jobs import access
from jobs.actions import control
from jobs.models import Job

Action = Callable[[Actor, Job, datetime], Job]


def button(action: Action, said: Promise) -> Callable[..., HttpResponse]:
    """A view that does one thing to one job and goes back to its page."""

    @require_POST
    def view(request: HttpRequest, uid: str) -> HttpResponse:
        actor = actor_of(request)
        job = access.one(access.jobs_visible_to(actor).select_related("team", "owner"), uid)
        try:
            action(actor, job, utcnow())
            messages.success(request, str(said))
        except Conflict as refusal:
            messages.warning(request, reasons.text(refusal.code, refusal.params))
        return HttpResponseRedirect(reverse("jobs:job-detail", args=[uid]))

    return view


cancel = button(control.cancel, _("Cancel requested. The page shows each process and when it is gone."))
hold = button(control.hold, _("Held: it stays in the queue and does not start."))
release = button(control.release, _("Released: it may start again."))
