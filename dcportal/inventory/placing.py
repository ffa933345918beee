"""From rows to the pure checks of `limits`, and back as problems."""

import itertools
from collections.abc import Iterable

from dcportal.common.problems import Problem
from dcportal.inventory.limits import Cabinet, Slot, check_cabinet, check_placing
from dcportal.inventory.models import Node, NodeType, Rack
from dcportal.inventory.models.nodes import Lifecycle


def cabinet_of(rack: Rack) -> Cabinet:
    limit = rack.power_limit_kilowatts
    return Cabinet(rack.name, rack.height_units, None if limit is None else limit * 1000)


def slot_of(node: Node, node_type: NodeType | None = None) -> Slot:
    """The node's place; one without a type counts as 1 U of unknown power."""
    kind = node_type or node.node_type
    if kind is None:
        return Slot(node.name, node.position_units, 1)
    return Slot(node.name, node.position_units, kind.height_units, kind.maximum_watts)


def slots_in(rack: Rack, *, but: Node | None = None) -> list[Slot]:
    """What stands in the rack; retired nodes have left it."""
    nodes = Node.objects.filter(rack=rack).exclude(lifecycle=Lifecycle.RETIRED).select_related("node_type")
    return [slot_of(node) for node in nodes if but is None or node.pk != but.pk]


def problems_of_node(node: Node) -> list[Problem]:
    """What forbids the node's place as it is set now."""
    if node.rack is None:
        if node.position_units is not None:
            return [Problem("/rack", "position_needs_rack")]
        return []
    problems = []
    if node.site is not None and node.site_id != node.rack.row.room.site_id:
        problems.append(Problem("/site", "rack_in_other_site", {"rack": node.rack.name}))
    if node.lifecycle == Lifecycle.RETIRED:
        return problems
    return problems + check_placing(slot_of(node), cabinet_of(node.rack), slots_in(node.rack, but=node))


def problems_of_rack(rack: Rack) -> list[Problem]:
    """What stands in the rack must still fit."""
    return [] if rack.pk is None else check_cabinet(cabinet_of(rack), slots_in(rack))


def problems_of_type(node_type: NodeType) -> list[Problem]:
    """Every node of the type must still fit where it stands."""
    if node_type.pk is None:
        return _of_watts(node_type)
    nodes = node_type.nodes.exclude(rack=None).exclude(lifecycle=Lifecycle.RETIRED).select_related("rack")
    return [*_of_watts(node_type), *_unfitting(nodes, node_type)]


def _unfitting(nodes: Iterable[Node], node_type: NodeType) -> list[Problem]:
    for node in nodes:
        assert node.rack is not None
        others = slots_in(node.rack, but=node)
        found = check_placing(slot_of(node, node_type), cabinet_of(node.rack), others)
        if found:
            pointer = "/maximum_watts" if found[0].code == "rack_overloaded" else "/height_units"
            return [Problem(pointer, "nodes_would_not_fit", {"node": node.name, "rack": node.rack.name})]
    return []


def _of_watts(node_type: NodeType) -> list[Problem]:
    ordered = [
        (name, watts)
        for name in ("idle_watts", "typical_watts", "maximum_watts")
        if (watts := getattr(node_type, name)) is not None
    ]
    for (_lower, low), (upper, high) in itertools.pairwise(ordered):
        if high < low:
            return [Problem(f"/{upper}", "too_small", {"minimum": low})]
    return []
