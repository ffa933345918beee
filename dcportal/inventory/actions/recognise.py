"""Which known node is speaking, and may this token speak for it?"""

from datetime import datetime, timedelta

from dcportal.inventory.introductions import Introduction
from dcportal.inventory.models import Node, NodeToken
from dcportal.inventory.models.nodes import Admission, Liveness

MAX_SIMULATED_NODES = 4096
MAX_UUID = 96  # what the column holds; cutting could merge two accelerators
# A machine that reports once a second and is silent this long is off, being reinstalled, or replaced.
SILENT_AFTER = timedelta(seconds=15)


class Refused(Exception):
    """This token may not speak as this node; `why` is a code."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def recognise(token: NodeToken, hello: Introduction, now: datetime) -> Node | None:
    """The known node that says `hello`, or None for a new one; raises Refused."""
    if token.may_simulate != (hello.collector == "simulated"):
        raise Refused("token_is_for_simulation" if token.may_simulate else "token_may_not_simulate")
    if any(len(facts.uuid) > MAX_UUID for facts in hello.facts.accelerators):
        raise Refused("accelerator_uuid_too_long")
    node = _named_by_uid(hello) or _same_machine(hello) or _awaited(token, hello)
    if node is None:
        _require_room_for_one_more(token)
        return None
    _require_token_names(token, node)
    _require_same_kind(node, hello, now)
    return node


def is_silent(node: Node, now: datetime) -> bool:
    """True when nothing was heard of the node for long enough that it cannot be running its agent."""
    return (
        node.liveness != Liveness.LIVE or node.last_seen_at is None or now - node.last_seen_at > SILENT_AFTER
    )


def _named_by_uid(hello: Introduction) -> Node | None:
    return Node.objects.filter(uid=hello.node_uid).first() if hello.node_uid else None


def _same_machine(hello: Introduction) -> Node | None:
    return Node.objects.filter(machine_id=hello.facts.machine_id[:64]).first()


def _awaited(token: NodeToken, hello: Introduction) -> Node | None:
    """A node that people entered before its agent came, or the token's own after a reinstallation."""
    node = Node.objects.filter(name=hello.facts.hostname.strip()[:240]).first()
    if node is None or node.machine_id is None or token.nodes.filter(pk=node.pk).exists():
        return node
    return None


def _require_room_for_one_more(token: NodeToken) -> None:
    held = token.nodes.count()
    if token.may_simulate and held >= MAX_SIMULATED_NODES:
        raise Refused("too_many_simulated_nodes")
    if not token.may_simulate and held:
        raise Refused("token_names_another_node")


def _require_token_names(token: NodeToken, node: Node) -> None:
    if token.nodes.filter(pk=node.pk).exists():
        return
    if token.nodes.exists() and not token.may_simulate:
        raise Refused("token_names_another_node")
    if node.tokens.filter(revoked_at__isnull=True).exists():
        raise Refused("node_has_another_token")


def _require_same_kind(node: Node, hello: Introduction, now: datetime) -> None:
    if node.admission == Admission.REVOKED:
        raise Refused("node_revoked")
    if node.is_simulated != (hello.collector == "simulated") and node.machine_id is not None:
        raise Refused("collector_changed")
    if node.machine_id not in {None, hello.facts.machine_id[:64]} and not is_silent(node, now):
        raise Refused("another_machine_is_live")
