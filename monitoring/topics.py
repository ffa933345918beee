"""The state topics of monitoring: overview, rack, node. Everybody signed in may watch hardware."""

from typing import Any

from dcportal.common.actors import Actor
from dcportal.inventory.models import Node, Rack
from monitoring import queries
from monitoring.hub import register_topic

PEOPLE = {"user", "token", "system"}


def register() -> None:
    register_topic("overview", lambda actor, key: not key and _reads(actor), overview)
    register_topic("rack", lambda actor, key: _reads(actor) and Rack.objects.filter(uid=key).exists(), rack)
    register_topic("node", lambda actor, key: _reads(actor) and Node.objects.filter(uid=key).exists(), node)


def overview(actor: Actor, key: str) -> dict[str, Any]:
    """Freshness and the condition of every node."""
    return {**_fresh(), "nodes": _nodes(Node.objects.all())}


def rack(actor: Actor, key: str) -> dict[str, Any]:
    return {**_fresh(), "nodes": _nodes(Node.objects.filter(rack__uid=key))}


def node(actor: Actor, key: str) -> dict[str, Any]:
    return {**_fresh(), "nodes": _nodes(Node.objects.filter(uid=key))}


def _reads(actor: Actor) -> bool:
    return actor.kind in PEOPLE and actor.may("read")


def _fresh() -> dict[str, Any]:
    fresh = queries.freshness()
    since = fresh.stale_since.timestamp() if fresh.stale_since else None
    return {"reporting": fresh.reporting, "agents": fresh.agents, "stale_since": since}


def _nodes(nodes: Any) -> list[dict[str, Any]]:
    columns = ("uid", "name", "liveness", "last_seen_at", "is_simulated")
    return [
        {
            "uid": uid,
            "name": name,
            "liveness": liveness,
            "last_seen": seen.timestamp() if seen else None,
            "simulated": simulated,
        }
        for uid, name, liveness, seen, simulated in nodes.values_list(*columns)
    ]
