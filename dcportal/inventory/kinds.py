"""The kinds of record that operators enter by a form, and what belongs to each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dcportal.common.base import Record
from dcportal.common.forms import RecordForm
from dcportal.common.listing import Listing
from dcportal.inventory import forms, listings, queries
from dcportal.inventory.models import Node, NodeType, Rack, Room, Row, Site


@dataclass(frozen=True)
class Kind:
    """One kind: its address part, model, form, list, and what its buttons say."""

    slug: str
    model: type[Record]
    form: type[RecordForm]
    listing: Listing
    rows: Callable[[], QuerySet[Any]]
    add_label: Promise


KINDS = {
    kind.slug: kind
    for kind in (
        Kind("site", Site, forms.SiteForm, listings.SITES, queries.sites, _("Add a site")),
        Kind("room", Room, forms.RoomForm, listings.ROOMS, queries.rooms, _("Add a room")),
        Kind("row", Row, forms.RowForm, listings.ROWS, queries.rows, _("Add a row")),
        Kind("rack", Rack, forms.RackForm, listings.RACKS, queries.racks, _("Add a rack")),
        Kind(
            "node-type",
            NodeType,
            forms.NodeTypeForm,
            listings.NODE_TYPES,
            queries.node_types,
            _("Add a type"),
        ),
        Kind("node", Node, forms.NodeForm, listings.NODES, queries.nodes, _("Enter a planned node")),
    )
}
