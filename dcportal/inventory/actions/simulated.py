"""Taking the demo hall away again."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from dcportal.audit.actions import record
from dcportal.common.access import require_role
from dcportal.common.actors import Actor
from dcportal.inventory.actions.tokens import revoke_node_token
from dcportal.inventory.models import Accelerator, Node, NodeToken, Rack, Room, Row, Site


def remove_simulated(actor: Actor, now: datetime) -> dict[str, int]:
    """Delete every simulated node, GPU and place, and end the tokens that made them.

    Returns how many of each went. Nothing real is touched: simulated rows are marked for ever.
    """
    require_role(actor, "operator", "inventory")
    with transaction.atomic():
        tokens = list(NodeToken.objects.filter(may_simulate=True, revoked_at__isnull=True))
        for token in tokens:
            revoke_node_token(actor, token, now)
        counts = {"tokens": len(tokens)}
        counts["accelerators"] = _delete(Accelerator.objects.filter(is_simulated=True))
        counts["nodes"] = _delete(Node.objects.filter(is_simulated=True))
        _empty_places()
        for site in Site.objects.filter(is_simulated=True):
            record(actor, "demo_hall.remove", site, before=counts, after=None, now=now)
        _delete(Site.objects.filter(is_simulated=True, nodes=None))
    return counts


def _empty_places() -> None:
    """Real nodes that somebody moved into the demo hall lose their place, not their row."""
    Node.objects.filter(site__is_simulated=True).update(site=None, rack=None, position_units=None)
    Node.objects.filter(rack__row__room__site__is_simulated=True).update(rack=None, position_units=None)
    _delete(Rack.objects.filter(row__room__site__is_simulated=True))
    _delete(Row.objects.filter(room__site__is_simulated=True))
    _delete(Room.objects.filter(site__is_simulated=True))


def _delete(rows: QuerySet[Any]) -> int:
    return rows.delete()[1].get(rows.model._meta.label, 0)
