"""The simulated fleet's hall: racks that appear with its nodes and go with one action."""

from datetime import datetime

from dcportal.common.changes import create
from dcportal.inventory.models import Node, Rack, Room, Row, Site

SITE = "Demo hall"
ROOM = "Hall D"
NODES_PER_RACK = 4
NODE_HEIGHT_UNITS = 8
RACKS_PER_ROW = 8


def place(node: Node, now: datetime) -> None:
    """Give a new simulated node the next free place of the demo hall."""
    site = _site(now)
    Site.objects.select_for_update().get(pk=site.pk)
    number = Node.objects.filter(site=site).count()
    node.site = site
    node.rack = _rack(site, number // NODES_PER_RACK, now)
    node.position_units = 1 + (number % NODES_PER_RACK) * (NODE_HEIGHT_UNITS + 1)


def _site(now: datetime) -> Site:
    found = Site.objects.filter(name=SITE, is_simulated=True).first()
    return found or create(Site(name=_free_site_name(), is_simulated=True), now)


def _free_site_name() -> str:
    return f"{SITE} (simulated)" if Site.objects.filter(name=SITE).exists() else SITE


def _rack(site: Site, number: int, now: datetime) -> Rack:
    room = Room.objects.filter(site=site).first() or create(Room(site=site, name=ROOM), now)
    letter = str(number // RACKS_PER_ROW + 1)
    row = room.rows.filter(name=letter).first() or create(Row(room=room, name=letter), now)
    name = f"D{number + 1:02d}"
    return row.racks.filter(name=name).first() or create(Rack(row=row, name=name), now)
