"""A node's page and what operators decide there; accelerators."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST

from dcportal.accounts.identify import actor_of
from dcportal.common import reasons, units
from dcportal.common.access import require_role
from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from dcportal.common.forms import attempted
from dcportal.common.listing import respond
from dcportal.common.problems import NotFound
from dcportal.inventory import actions, cells, listings, queries
from dcportal.inventory.forms import DrainForm
from dcportal.inventory.models import Node
from dcportal.inventory.states import state_of


def node_detail(request: HttpRequest, uid: str) -> HttpResponse:
    """Facts, accelerators, latest hardware events and tokens of a node."""
    return render(request, "inventory/node_detail.html", node_context(request, uid))


def node_context(request: HttpRequest, uid: str) -> dict[str, Any]:
    """What the node page needs of the inventory; pages that show more build on this."""
    bundle = queries.node_bundle(uid)
    node = bundle.node
    may_edit = actor_of(request).has_role("operator")
    return {
        "node": node,
        "state": state_of(node),
        "accelerators": bundle.accelerators,
        "events": bundle.events,
        "tokens": bundle.tokens if may_edit else [],
        "watch_only": reasons.text_of(node.watch_only_reason),
        "facts": facts_of(node),
        "may_edit": may_edit,
        "crumbs": crumbs_of(node),
    }


def facts_of(node: Node) -> list[tuple[str, Any]]:
    """What is known of the machine; unknown is None."""
    said = node.facts
    return [
        (_("Type"), str(node.node_type) if node.node_type else None),
        (_("Place"), cells.node_place(node) or None),
        (_("Serial number"), node.serial or None),
        (_("CPU"), said.get("cpu_model")),
        (_("CPU threads"), node.cpu_count),
        (_("Memory"), units.bytes_human(node.memory_bytes)),
        (_("Operating system"), said.get("os")),
        (_("Kernel"), said.get("kernel")),
        (_("Driver"), _with_cuda(said)),
        (_("Agent"), node.agent_version or None),
        (_("Last seen"), cells.when(node.last_seen_at) or None),
    ]


def crumbs_of(node: Node) -> list[tuple[str, str | None]]:
    """Fleet, then where it stands, then the node."""
    crumbs: list[tuple[str, str | None]] = [(_("Fleet"), reverse("inventory:node-list"))]
    if node.rack is not None:
        room = node.rack.row.room
        crumbs += [
            (room.site.name, reverse("inventory:site-detail", args=[room.site.uid])),
            (room.name, reverse("inventory:room-detail", args=[room.uid])),
            (node.rack.name, reverse("inventory:rack-detail", args=[node.rack.uid])),
        ]
    elif node.site is not None:
        crumbs.append((node.site.name, reverse("inventory:site-detail", args=[node.site.uid])))
    return [*crumbs, (node.name, None)]


@require_POST
def node_accept(request: HttpRequest, uid: str) -> HttpResponse:
    """Trust what the node's agent says."""
    return _decide(request, uid, actions.accept_node, _("%(name)s is accepted."))


@require_POST
def node_revoke(request: HttpRequest, uid: str) -> HttpResponse:
    """Refuse the node's agent from now on."""
    return _decide(request, uid, actions.revoke_node, _("%(name)s is revoked; its agent is cut off."))


@require_POST
def node_resume(request: HttpRequest, uid: str) -> HttpResponse:
    """Let jobs start on the node again."""
    return _decide(request, uid, actions.resume_node, _("Jobs may start on %(name)s again."))


def node_drain(request: HttpRequest, uid: str) -> HttpResponse:
    """Ask why, then start no more jobs on the node."""
    actor, node = actor_of(request), queries.get_node(uid)
    require_role(actor, "operator", "inventory")
    form = DrainForm(request.POST or None)
    back = reverse("inventory:node-detail", args=[uid])
    if request.method == "POST":
        drained = attempted(
            form, lambda: actions.drain_node(actor, node, form.cleaned_data["reason"], utcnow())
        )
        if drained:
            messages.success(request, _("%(name)s starts no more jobs.") % {"name": node.name})
            return redirect(back)
    context = {
        "form": form,
        "title": _("Drain %(name)s") % {"name": node.name},
        "note": _("Running jobs stay; no new one starts here until it is resumed."),
        "submit_label": _("Drain"),
        "cancel_url": back,
        "crumbs": [(_("Fleet"), reverse("inventory:node-list")), (node.name, back), (_("Drain"), None)],
    }
    return render(request, "records/form.html", context, status=422 if form.errors else 200)


def accelerator_list(request: HttpRequest) -> HttpResponseBase:
    """Every accelerator that was ever reported."""
    return respond(request, listings.ACCELERATORS, queries.accelerators())


def accelerator_detail(request: HttpRequest, uid: str) -> HttpResponse:
    """One accelerator and where it has been."""
    accelerator = queries.accelerators().filter(uid=uid).first()
    if accelerator is None:
        raise NotFound()
    facts = [
        (_("Node"), cells.link("node", accelerator.node, css="mono")),
        (_("Index"), accelerator.index),
        (_("Bus"), accelerator.pci_bus_id or None),
        (pgettext("hardware", "Model"), accelerator.model),
        (pgettext("GPU", "Memory"), units.bytes_human(accelerator.memory_bytes)),
        (_("Power limit"), units.watts_human(accelerator.power_limit_watts)),
        (_("Compute capability"), accelerator.compute_capability or None),
        (_("Missing since"), cells.when(accelerator.missing_since) or None),
    ]
    context = {
        "accelerator": accelerator,
        "facts": facts,
        "placements": queries.placements_of(accelerator),
        "events": accelerator.hardware_events.select_related("node").order_by("-at", "-id")[:50],
        "crumbs": [
            (_("Accelerators"), reverse("inventory:accelerator-list")),
            (accelerator.node.name, reverse("inventory:node-detail", args=[accelerator.node.uid])),
            (accelerator.uuid, None),
        ],
    }
    return render(request, "inventory/accelerator_detail.html", context)


def _decide(
    request: HttpRequest, uid: str, action: Callable[[Actor, Node, datetime], Node], words: str
) -> HttpResponse:
    node = action(actor_of(request), queries.get_node(uid), utcnow())
    messages.success(request, words % {"name": node.name})
    return redirect("inventory:node-detail", uid=uid)


def _with_cuda(said: dict[str, Any]) -> str | None:
    driver, cuda = said.get("driver"), said.get("cuda")
    return f"{driver}, CUDA {cuda}" if driver and cuda else driver
