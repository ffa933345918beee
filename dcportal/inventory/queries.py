"""What pages and REST read of the inventory. Everybody who is signed in may see all of it."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from dcportal.common.problems import NotFound
from dcportal.inventory.limits import Slot, free_units
from dcportal.inventory.models import (
    Accelerator,
    AcceleratorPlacement,
    HardwareEvent,
    Node,
    NodeToken,
    NodeType,
    Rack,
    Room,
    Row,
    Site,
)
from dcportal.inventory.placing import cabinet_of, slot_of

NUM_EVENTS = 50


def sites() -> QuerySet[Site]:
    return Site.objects.all()


def rooms() -> QuerySet[Room]:
    return Room.objects.select_related("site")


def rows() -> QuerySet[Row]:
    return Row.objects.select_related("room__site")


def racks() -> QuerySet[Rack]:
    return Rack.objects.select_related("row__room__site")


def node_types() -> QuerySet[NodeType]:
    return NodeType.objects.all()


def nodes() -> QuerySet[Node]:
    return Node.objects.select_related("node_type", "site", "rack")


def accelerators() -> QuerySet[Accelerator]:
    return Accelerator.objects.select_related("node")


def node_tokens() -> QuerySet[NodeToken]:
    return NodeToken.objects.prefetch_related("nodes")


def get_node(uid: str) -> Node:
    """The node with this uid, its place and type loaded; raises NotFound."""
    found = Node.objects.select_related("node_type", "site", "rack__row__room__site").filter(uid=uid).first()
    if found is None:
        raise NotFound()
    return found


def count_accelerators(page: Sequence[Node]) -> None:
    """Set `accelerator_count`, `missing_count` and `accelerator_model` on nodes, in one query.

    A subquery per row was not needed: a page has 50 nodes, the table 10,000.
    """
    found: dict[int, Counter[str]] = defaultdict(Counter)
    missing: Counter[int] = Counter()
    counts = (
        Accelerator.objects.filter(node__in=[node.pk for node in page])
        .order_by()
        .values_list("node_id", "model")
        .annotate(
            present=Count("pk", Q(missing_since=None)), gone=Count("pk", Q(missing_since__isnull=False))
        )
    )
    for node_id, model, present, gone in counts:
        found[node_id][model] += present
        missing[node_id] += gone
    for node in page:
        models = found[node.pk]
        _set(node, sum(models.values()), missing[node.pk], models.most_common(1)[0][0] if models else "")


def _set(node: Any, count: int, missing: int, model: str) -> None:
    node.accelerator_count, node.missing_count, node.accelerator_model = count, missing, model


def count_below(page: Sequence[Any], relation: str) -> None:
    """Set `num_<relation>` on rows of one model: how many of them each has, in one query."""
    if not page:
        return
    model = type(page[0])
    counts = dict(
        model._default_manager.filter(pk__in=[row.pk for row in page])
        .order_by()
        .values_list("pk")
        .annotate(Count(relation))
    )
    for row in page:
        setattr(row, f"num_{relation}", counts.get(row.pk, 0))


@dataclass(frozen=True, slots=True)
class NodeBundle:
    """Everything a node's page shows that the inventory knows."""

    node: Node
    accelerators: list[Accelerator]
    events: list[HardwareEvent]
    tokens: list[NodeToken]


def node_bundle(uid: str) -> NodeBundle:
    """The node with its accelerators, latest hardware events (newest first) and tokens; NotFound."""
    node = get_node(uid)
    accelerators = list(node.accelerators.order_by("index", "uuid"))
    for accelerator in accelerators:
        accelerator.node = node
    events = node.hardware_events.select_related("accelerator").order_by("-at", "-id")[:NUM_EVENTS]
    return NodeBundle(node, accelerators, list(events), list(node.tokens.all()))


def placements_of(accelerator: Accelerator) -> list[AcceleratorPlacement]:
    """Where it has been, newest first."""
    return list(accelerator.placements.select_related("node").order_by("-from_at", "-id"))


@dataclass(frozen=True, slots=True)
class RackBundle:
    """A rack with what stands in it, from the top down."""

    rack: Rack
    nodes: list[Node]
    free_units: list[int]
    maximum_watts: float | None
    """Sum of the rated maxima; None when no node's is known."""
    num_unrated: int


def rack_bundle(uid: str) -> RackBundle:
    """The rack with this uid; raises NotFound."""
    rack = racks().filter(uid=uid).first()
    if rack is None:
        raise NotFound()
    inside = list(nodes().filter(rack=rack).exclude(lifecycle="retired").order_by("-position_units", "name"))
    count_accelerators(inside)
    slots: list[Slot] = [slot_of(node) for node in inside]
    known = [slot.maximum_watts for slot in slots if slot.maximum_watts is not None]
    return RackBundle(
        rack=rack,
        nodes=inside,
        free_units=free_units(cabinet_of(rack), slots),
        maximum_watts=sum(known) if known else None,
        num_unrated=len(slots) - len(known),
    )
