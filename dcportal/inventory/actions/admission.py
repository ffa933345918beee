"""Trusting nodes and taking them out of service."""

from datetime import datetime
from typing import Any

from django.db import transaction

from dcportal.audit.actions import record
from dcportal.common.access import require_role
from dcportal.common.actors import Actor
from dcportal.common.changes import snapshot, update
from dcportal.common.problems import invalid
from dcportal.common.text import unstorable
from dcportal.inventory.launching import launching_of
from dcportal.inventory.models import Node
from dcportal.inventory.models.nodes import Admission

MAX_REASON_CHARACTERS = 300


def accept_node(actor: Actor, node: Node, now: datetime) -> Node:
    """Trust what the node's agent says; where an engine can launch, jobs may run there from now on."""
    return _admit(actor, node, Admission.ACCEPTED, "node.accept", now)


def revoke_node(actor: Actor, node: Node, now: datetime) -> Node:
    """Distrust a node: its agent is refused from now on; what it told so far is kept."""
    return _admit(actor, node, Admission.REVOKED, "node.revoke", now)


def drain_node(actor: Actor, node: Node, reason: str, now: datetime) -> Node:
    """Start no more jobs on the node; running ones stay. `reason` is required, for those who ask why."""
    text = str(reason).strip()
    if not text:
        raise invalid("/reason", "required")
    if len(text) > MAX_REASON_CHARACTERS:
        raise invalid("/reason", "too_long", maximum=MAX_REASON_CHARACTERS)
    if unstorable(text):
        raise invalid("/reason", "unstorable_text")
    changes = {"schedulable": False, "unschedulable_reason": text}
    return _change(actor, node, changes, "node.drain", now)


def resume_node(actor: Actor, node: Node, now: datetime) -> Node:
    """Let jobs start on the node again."""
    return _change(actor, node, {"schedulable": True, "unschedulable_reason": ""}, "node.resume", now)


def _admit(actor: Actor, node: Node, admission: Admission, verb: str, now: datetime) -> Node:
    former = node.admission
    node.admission = admission
    engine, reason = launching_of(node)
    node.admission = former
    changes = {"admission": admission, "launch_engine": engine, "watch_only_reason": reason}
    return _change(actor, node, changes, verb, now)


def _change(actor: Actor, node: Node, changes: dict[str, Any], verb: str, now: datetime) -> Node:
    require_role(actor, "operator", "inventory")
    before = snapshot(node)
    with transaction.atomic():
        update(node, changes, now)
        record(actor, verb, node, before=before, after=snapshot(node), now=now)
    return node
