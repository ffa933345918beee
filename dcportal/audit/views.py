"""The trail as a page: narrow it, and see each change with its before and after."""

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from dcportal.audit import queries
from dcportal.audit.filters import AuditFilters
from dcportal.audit.models import AuditEntry
from dcportal.audit.reasons import VIA
from dcportal.common.actors import Actor
from dcportal.common.listing import Column, Listing, respond

SHOWN_KEYS = 3
OF_EVERY_ROW = {"uid", "created_at", "updated_at", "revision"}


class ActorRequest(HttpRequest):
    """A request whose actor the sign-in middleware has set; accounts stand above this app."""

    actor: Actor


@dataclass(frozen=True)
class Difference:
    """One column before and after; None stands for empty, or for a row that was not there."""

    name: str
    before: str | None
    after: str | None


def audit_list(request: ActorRequest) -> HttpResponseBase:
    """What the reader may know of the trail, newest first."""
    return respond(request, TRAIL, queries.entries_visible_to(request.actor))


def audit_detail(request: ActorRequest, uid: str) -> HttpResponse:
    """One change in full."""
    entry = queries.get_entry(request.actor, uid)
    context = {
        "entry": entry,
        "differences": differences_of(entry),
        "via": VIA.get(entry.via, entry.via),
        "same_target_url": f"{reverse('audit:list')}?target={entry.target_uid}",
        "same_actor_url": f"{reverse('audit:list')}?actor={entry.actor_uid}",
        "crumbs": [(_now("Audit trail"), reverse("audit:list")), (entry.verb, None)],
    }
    return render(request, "audit/detail.html", context)


def differences_of(entry: AuditEntry) -> list[Difference]:
    """The columns that the change touched, in the order they were kept."""
    names = list(dict.fromkeys([*entry.before, *entry.after]))
    return [Difference(name, _text(entry.before, name), _text(entry.after, name)) for name in names]


def _text(side: dict[str, Any], name: str) -> str | None:
    value = side.get(name)
    if value is None:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _when(entry: AuditEntry) -> SafeString:
    url = reverse("audit:detail", args=[entry.uid])
    words = date_format(localtime(entry.at), "SHORT_DATETIME_FORMAT")
    return format_html('<a href="{}"><time datetime="{}">{}</time></a>', url, entry.at.isoformat(), words)


def _target(entry: AuditEntry) -> SafeString:
    return format_html('{}<span class="table-sub">{}</span>', entry.target_name or "–", entry.target_type)


def _changed(entry: AuditEntry) -> str:
    names = [each.name for each in differences_of(entry) if each.name not in OF_EVERY_ROW]
    more = len(names) - SHOWN_KEYS
    shown = ", ".join(names[:SHOWN_KEYS])
    return f"{shown} +{more}" if more > 0 else shown


TRAIL = Listing(
    title=_("Audit trail"),
    subtitle=_("Who changed what, when and from where. Entries can be neither changed nor deleted."),
    columns=[
        Column("at", _("Time"), _when, lambda entry: entry.at, "at", "nowrap"),
        Column("actor", _("Who"), lambda entry: entry.actor_name),
        Column(
            "verb",
            _("What"),
            lambda entry: format_html('<span class="mono">{}</span>', entry.verb),
            lambda entry: entry.verb,
        ),
        Column("target", _("Target"), _target, lambda entry: f"{entry.target_type} {entry.target_name}"),
        Column("changed", _("Changed"), _changed),
        Column("via", _("Through"), lambda entry: VIA.get(entry.via, entry.via), lambda entry: entry.via),
        Column("ip", _("Address"), lambda entry: entry.ip),
        Column("uid", "uid", lambda entry: entry.uid, csv_only=True),
        Column("actor_uid", "", lambda entry: entry.actor_uid, csv_only=True),
        Column("target_uid", "", lambda entry: entry.target_uid, csv_only=True),
        Column("request_id", "", lambda entry: entry.request_id, csv_only=True),
        Column("before", "", lambda entry: json.dumps(entry.before), csv_only=True),
        Column("after", "", lambda entry: json.dumps(entry.after), csv_only=True),
    ],
    filters=AuditFilters,
    shown_filters=["via"],
    ordering="-id",
    empty_title=_("Nothing yet"),
    empty_text=_("Every change of the portal appears here."),
    file_name="audit",
    icon="history",
)
