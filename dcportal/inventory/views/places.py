"""Pages of a site, room, row, rack and node type."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from dcportal.accounts.identify import actor_of
from dcportal.common import units
from dcportal.inventory import cells, queries
from dcportal.inventory.kinds import KINDS
from dcportal.inventory.models import NodeType, Room, Row, Site
from dcportal.inventory.views.records import find

Facts = list[tuple[str, Any]]
Links = list[tuple[str, str, int]]


def place_detail(request: HttpRequest, kind: str, uid: str) -> HttpResponse:
    """What is known of a site, room, row or node type, and what is in it."""
    chosen = KINDS[kind]
    row = find(chosen, uid)
    facts, links = DESCRIBE[kind](row)
    context = {
        "row": row,
        "kind": kind,
        "facts": facts,
        "links": links,
        "may_edit": actor_of(request).has_role("operator"),
        "edit_url": reverse(f"inventory:{kind}-edit", args=[uid]),
        "delete_url": reverse(f"inventory:{kind}-delete", args=[uid]),
        "crumbs": [(chosen.listing.title, reverse(f"inventory:{kind}-list")), (str(row), None)],
    }
    return render(request, "inventory/place_detail.html", context)


def rack_detail(request: HttpRequest, uid: str) -> HttpResponse:
    """What stands in a rack, from the top down, and what room and power are left."""
    bundle = queries.rack_bundle(uid)
    rack = bundle.rack
    room = rack.row.room
    limit = rack.power_limit_kilowatts
    context = {
        "bundle": bundle,
        "rack": rack,
        "nodes": [_standing(node) for node in bundle.nodes],
        "num_free": len(bundle.free_units),
        "limit_watts": None if limit is None else limit * 1000,
        "may_edit": actor_of(request).has_role("operator"),
        "crumbs": [
            (_("Racks"), reverse("inventory:rack-list")),
            (room.site.name, reverse("inventory:site-detail", args=[room.site.uid])),
            (room.name, reverse("inventory:room-detail", args=[room.uid])),
            (rack.row.name, reverse("inventory:row-detail", args=[rack.row.uid])),
            (rack.name, None),
        ],
    }
    return render(request, "inventory/rack_detail.html", context)


def _standing(node: Any) -> dict[str, Any]:
    height = node.node_type.height_units if node.node_type else 1
    low = node.position_units
    return {
        "node": node,
        "units": "–" if low is None else f"{low}–{low + height - 1}" if height > 1 else str(low),
        "state": cells.node_state(node),
        "gpus": cells.node_gpus(node),
        "watts": units.watts_human(node.node_type.maximum_watts if node.node_type else None),
    }


def _site(site: Site) -> tuple[Facts, Links]:
    facts = [
        (_("Kind"), site.get_kind_display()),
        (_("Time zone"), site.timezone),
        (_("Address"), site.address),
    ]
    return facts, [
        (_("Rooms"), _list("room", "site", site), site.rooms.count()),
        (_("Nodes"), _list("node", "site", site), site.nodes.count()),
    ]


def _room(room: Room) -> tuple[Facts, Links]:
    return [(_("Site"), cells.link("site", room.site, css=""))], [
        (_("Rows"), _list("row", "room", room), room.rows.count()),
        (_("Racks"), _list("rack", "room", room), queries.racks().filter(row__room=room).count()),
    ]


def _row(row: Row) -> tuple[Facts, Links]:
    facts = [
        (_("Site"), cells.link("site", row.room.site, css="")),
        (_("Room"), cells.link("room", row.room, css="")),
    ]
    return facts, [(_("Racks"), _list("rack", "row", row), row.racks.count())]


def _node_type(kind: NodeType) -> tuple[Facts, Links]:
    gpus = f"{kind.accelerator_count} × {kind.accelerator_model}" if kind.accelerator_count else None
    facts: Facts = [
        (_("Height (U)"), kind.height_units),
        (_("GPUs"), gpus),
        (_("Idle power"), units.watts_human(kind.idle_watts)),
        (_("Typical power"), units.watts_human(kind.typical_watts)),
        (_("Maximum power"), units.watts_human(kind.maximum_watts)),
    ]
    return facts, [(_("Nodes"), _list("node", "node_type", kind), kind.nodes.count())]


def _list(kind: str, parameter: str, row: Any) -> str:
    return f"{reverse(f'inventory:{kind}-list')}?{parameter}={row.uid}"


DESCRIBE: dict[str, Any] = {"site": _site, "room": _room, "row": _row, "node-type": _node_type}
