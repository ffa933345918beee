"""A node introduces itself: who is it, may it, and what has changed since last time."""

from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction

from dcportal.audit.actions import record
from dcportal.common.actors import Actor
from dcportal.common.changes import create, snapshot, update
from dcportal.common.tokens import digest_of
from dcportal.inventory.actions import demo_hall, plugged
from dcportal.inventory.actions.recognise import Refused, recognise
from dcportal.inventory.introductions import HelloResult, Introduction, NodeFacts
from dcportal.inventory.launching import launching_of
from dcportal.inventory.models import HardwareEvent, Node, NodeToken
from dcportal.inventory.models.nodes import Admission

MAX_THREADS = 2**31 - 1  # what the column holds; more is a mistake, so unknown
QUIET = {"last_seen_at", "agent_version", "boot_id", "facts", "revision", "updated_at"}


def node_hello(token: str, hello: Introduction, now: datetime) -> HelloResult:
    """Admit the node that says `hello` with the secret `token`, creating it at its first hello.

    Never raises for what the node says: a refusal is a result whose code and `params["why"]` say what
    was wrong. GPUs that are gone are marked missing, returned and moved ones found by their UUID.
    """
    with transaction.atomic():
        held = NodeToken.objects.filter(digest=digest_of(token)).first()
        if held is None or held.revoked_at is not None:
            return HelloResult(accepted=False, code="token_refused", params={"why": "unknown_or_revoked"})
        try:
            return _admit(held, hello, now)
        except Refused as refusal:
            return HelloResult(accepted=False, code="node_refused", params={"why": refusal.why})


def _admit(token: NodeToken, hello: Introduction, now: datetime) -> HelloResult:
    actor = Actor(kind="node", uid=token.uid, name=token.name, via="agent")
    known = recognise(token, hello, now)
    node = _refreshed(known, token, hello, actor, now) if known else _appeared(token, hello, actor, now)
    token.nodes.add(node)
    NodeToken.objects.filter(pk=token.pk).update(last_used_at=now)
    reported = hello.facts.accelerators
    accelerators = plugged.note_accelerators(node, reported, actor, now, is_new_node=known is None)
    return HelloResult(
        accepted=True,
        node_uid=node.uid,
        node_name=node.name,
        admission=node.admission,
        is_simulated=node.is_simulated,
        accelerators=accelerators,
    )


def _appeared(token: NodeToken, hello: Introduction, actor: Actor, now: datetime) -> Node:
    node = Node(name=_free_name(hello.facts.hostname), is_simulated=hello.collector == "simulated")
    for name, value in _facts_of(hello, now).items():
        setattr(node, name, value)
    node.admission = Admission.ACCEPTED if token.accepts_at_once else Admission.NEW
    node.launch_engine, node.watch_only_reason = launching_of(node)
    if node.is_simulated:
        demo_hall.place(node, now)
    create(node, now)
    # One line with all GPUs: a line for each would drown the trail (1,024 for a demo hall).
    after = snapshot(node) | {"accelerators": [facts.uuid for facts in hello.facts.accelerators]}
    record(actor, "node.appear", node, before=None, after=after, now=now)
    return node


def _refreshed(node: Node, token: NodeToken, hello: Introduction, actor: Actor, now: datetime) -> Node:
    changes = _facts_of(hello, now)
    if node.machine_id not in {None, changes["machine_id"]}:
        HardwareEvent.objects.create(at=now, node=node, code="machine_replaced")
    if node.admission == Admission.NEW and token.accepts_at_once:
        changes["admission"] = Admission.ACCEPTED
    changes = {name: value for name, value in changes.items() if getattr(node, name) != value}
    told = set(changes) - QUIET | {"launch_engine", "watch_only_reason"}
    before = snapshot(node, told)
    for name, value in changes.items():
        setattr(node, name, value)
    changes["launch_engine"], changes["watch_only_reason"] = launching_of(node)
    update(node, changes, now)
    after = snapshot(node, told)
    if before != after:
        record(actor, "node.hello", node, before=before, after=after, now=now)
    return node


def _facts_of(hello: Introduction, now: datetime) -> dict[str, Any]:
    facts = hello.facts
    return {
        "machine_id": facts.machine_id[:64],
        "boot_id": facts.boot_id[:64],
        "agent_version": hello.agent_version[:32],
        "cpu_count": facts.threads if (facts.threads or 0) <= MAX_THREADS else None,
        "memory_bytes": facts.memory_total_bytes,
        "facts": _without_accelerators(facts),
        "last_seen_at": now,
    }


def _without_accelerators(facts: NodeFacts) -> dict[str, Any]:
    plain = msgspec.to_builtins(facts)
    return {name: value for name, value in plain.items() if name != "accelerators"}


def _free_name(hostname: str) -> str:
    """The host name, or the first of `name-2`, `name-3`, ... that no node has yet."""
    wanted = hostname.strip()[:240] or "node"
    taken = set(Node.objects.filter(name__startswith=wanted).values_list("name", flat=True))
    number = 2
    name = wanted
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    return name
