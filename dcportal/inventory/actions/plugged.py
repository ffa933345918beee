"""Which accelerators a node has now: added, returned, moved, missing. None is ever deleted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dcportal.audit.actions import record
from dcportal.common.actors import Actor
from dcportal.common.changes import create, snapshot, update
from dcportal.inventory.actions.recognise import is_silent
from dcportal.inventory.introductions import AcceleratorFacts
from dcportal.inventory.models import Accelerator, AcceleratorPlacement, HardwareEvent, Node


def note_accelerators(
    node: Node,
    reported: Sequence[AcceleratorFacts],
    actor: Actor,
    now: datetime,
    *,
    is_new_node: bool = False,
) -> dict[str, str]:
    """Bring the node's accelerators in line with what it `reported`; returns UUID -> uid of its own.

    What a new node brings along stands in its own audit line already.
    """
    known = {
        each.uuid: each
        for each in Accelerator.objects.select_related("node").filter(uuid__in=[r.uuid for r in reported])
    }
    own: dict[str, str] = {}
    for facts in reported:
        seen = known.get(facts.uuid)
        if seen is not None:
            accelerator = _noted(node, seen, facts, actor, now)
        else:
            accelerator = _added(node, facts, now, None if is_new_node else actor)
        if accelerator is not None:
            own[facts.uuid] = accelerator.uid
    _mark_missing(node, set(own), actor, now)
    return own


def _noted(
    node: Node, known: Accelerator, facts: AcceleratorFacts, actor: Actor, now: datetime
) -> Accelerator | None:
    if known.is_simulated != node.is_simulated:
        return None
    if known.node_id == node.pk:
        return _still_here(known, facts, actor, now)
    if known.missing_since is None and not is_silent(known.node, now):
        # Its owner reports it at this moment: believe the owner, and note the claim.
        _happened(node, None, "accelerator_claimed", now, uuid=facts.uuid, owner=known.node.name)
        return None
    return _moved(known, node, facts, actor, now)


def _added(node: Node, facts: AcceleratorFacts, now: datetime, actor: Actor | None) -> Accelerator:
    accelerator = Accelerator(uuid=facts.uuid, node=node, is_simulated=node.is_simulated, **_columns(facts))
    create(accelerator, now)
    _place(accelerator, node, now, is_first=True)
    if actor is not None:
        record(actor, "accelerator.add", accelerator, before=None, after=snapshot(accelerator), now=now)
    return accelerator


def _still_here(
    accelerator: Accelerator, facts: AcceleratorFacts, actor: Actor, now: datetime
) -> Accelerator:
    returned = accelerator.missing_since is not None
    slot = accelerator.pci_bus_id
    _change(accelerator, {**_columns(facts), "missing_since": None}, "accelerator.edit", actor, now)
    if returned:
        _happened(accelerator.node, accelerator, "accelerator_returned", now)
    if slot != accelerator.pci_bus_id:
        _place(accelerator, accelerator.node, now)
    return accelerator


def _moved(
    accelerator: Accelerator, node: Node, facts: AcceleratorFacts, actor: Actor, now: datetime
) -> Accelerator:
    former = accelerator.node
    changes = {**_columns(facts), "node": node, "missing_since": None}
    _change(accelerator, changes, "accelerator.move", actor, now)
    _happened(node, accelerator, "accelerator_moved", now, **{"from": former.name, "to": node.name})
    _place(accelerator, node, now)
    return accelerator


def _mark_missing(node: Node, present: set[str], actor: Actor, now: datetime) -> None:
    gone = node.accelerators.filter(missing_since__isnull=True).exclude(uuid__in=present)
    for accelerator in gone.select_related("node"):
        _change(accelerator, {"missing_since": now}, "accelerator.missing", actor, now)
        _happened(node, accelerator, "accelerator_missing", now)


def _change(
    accelerator: Accelerator, changes: dict[str, Any], verb: str, actor: Actor, now: datetime
) -> None:
    changes = {name: value for name, value in changes.items() if getattr(accelerator, name) != value}
    if changes:
        before = snapshot(accelerator)
        update(accelerator, changes, now)
        record(actor, verb, accelerator, before=before, after=snapshot(accelerator), now=now)


def _place(accelerator: Accelerator, node: Node, now: datetime, *, is_first: bool = False) -> None:
    """Close the stretch spent in the former slot and begin one here."""
    if not is_first:
        accelerator.placements.filter(to_at__isnull=True).update(to_at=now)
    AcceleratorPlacement.objects.create(
        accelerator=accelerator, node=node, slot=accelerator.pci_bus_id, from_at=now
    )


def _happened(
    node: Node, accelerator: Accelerator | None, code: str, now: datetime, **params: object
) -> None:
    HardwareEvent.objects.create(at=now, node=node, accelerator=accelerator, code=code, params=params)


def _columns(facts: AcceleratorFacts) -> dict[str, Any]:
    return {
        "index": min(facts.index, 32767),
        "model": facts.name[:100],
        "vendor": facts.vendor[:32],
        "memory_bytes": facts.memory_total_bytes,
        "power_limit_watts": facts.power_limit_watts,
        "pci_bus_id": (facts.pci_bus_id or "")[:32],
        "compute_capability": (facts.compute_capability or "")[:8],
    }
