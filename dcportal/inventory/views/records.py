"""List, create, edit and delete for every kind of record: one view each, the kind from the address."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from dcportal.accounts.identify import actor_of
from dcportal.common.access import require_role
from dcportal.common.clock import utcnow
from dcportal.common.forms import RecordForm, attempted
from dcportal.common.listing import respond
from dcportal.common.problems import NotFound
from dcportal.inventory import actions
from dcportal.inventory.kinds import KINDS, Kind


def record_list(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The list of one kind, as a page or as CSV."""
    chosen = KINDS[kind]
    rows = chosen.rows()
    if kind == "node":
        rows = rows.defer("facts")
    context: dict[str, Any] = {}
    if actor_of(request).has_role("operator"):
        context = {
            "create_url": reverse(f"inventory:{kind}-create"),
            "create_label": chosen.add_label,
        }
    return respond(request, chosen.listing, rows, context)


def record_create(request: HttpRequest, kind: str) -> HttpResponse:
    """The form for a new record; `?site=<uid>` and the like fill in where it belongs."""
    actor, chosen = actor_of(request), KINDS[kind]
    require_role(actor, "operator", "inventory")
    form = chosen.form(request.POST or None, initial={**request.GET.dict()})
    if request.method == "POST":
        row = attempted(form, lambda: actions.add_record(actor, chosen.model, form.values(), utcnow()))
        if row:
            messages.success(request, _("%(name)s was added.") % {"name": row})
            return redirect(f"inventory:{kind}-detail", uid=row.uid)
    return _form_page(request, chosen, form, str(chosen.add_label), reverse(f"inventory:{kind}-list"))


def record_edit(request: HttpRequest, kind: str, uid: str) -> HttpResponse:
    """The form of an existing record."""
    actor, chosen = actor_of(request), KINDS[kind]
    require_role(actor, "operator", "inventory")
    row = find(chosen, uid)
    form = chosen.form(request.POST or None, instance=row)
    if request.method == "POST":
        saved = attempted(
            form, lambda: actions.edit_record(actor, row, form.values(), utcnow(), form.expected_revision)
        )
        if saved:
            messages.success(request, _("Saved."))
            return redirect(f"inventory:{kind}-detail", uid=uid)
        row = find(chosen, uid)
    return _form_page(request, chosen, form, str(row), reverse(f"inventory:{kind}-detail", args=[uid]))


@require_POST
def record_delete(request: HttpRequest, kind: str, uid: str) -> HttpResponse:
    """Delete what nothing refers to any more."""
    row = find(KINDS[kind], uid)
    actions.delete_record(actor_of(request), row, utcnow())
    messages.success(request, _("%(name)s was deleted.") % {"name": row})
    return redirect(f"inventory:{kind}-list")


def find(kind: Kind, uid: str) -> Any:
    """The row of this kind; raises NotFound."""
    row = kind.rows().filter(uid=uid).first()
    if row is None:
        raise NotFound()
    return row


def _form_page(
    request: HttpRequest, kind: Kind, form: RecordForm, title: str, cancel_url: str
) -> HttpResponse:
    context = {
        "form": form,
        "title": title,
        "submit_label": _("Save"),
        "cancel_url": cancel_url,
        "crumbs": [(kind.listing.title, reverse(f"inventory:{kind.slug}-list")), (title, None)],
    }
    return render(request, "records/form.html", context, status=422 if form.errors else 200)
