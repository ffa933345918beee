"""Node tokens: the secrets by which agents prove which nodes they may write."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from dcportal.audit.actions import record
from dcportal.common.access import require_role
from dcportal.common.actors import Actor
from dcportal.common.changes import create, snapshot, update
from dcportal.common.problems import Problem
from dcportal.common.tokens import digest_of, new_secret, prefix_of
from dcportal.common.validation import check_known, check_row
from dcportal.inventory.models import Node, NodeToken

CREATABLE = frozenset({"name", "accepts_at_once", "may_simulate"})


def create_node_token(
    actor: Actor, values: Mapping[str, Any], now: datetime, nodes: Iterable[Node] = ()
) -> tuple[NodeToken, str]:
    """A token for an agent; the secret is returned once and never stored.

    Without `nodes` the first node that says hello with it becomes its node.
    """
    require_role(actor, "operator", "inventory")
    check_known(values, CREATABLE)
    secret = new_secret("node")
    token = NodeToken(digest=digest_of(secret), prefix=prefix_of(secret), **values)
    named = list(nodes)
    with transaction.atomic():
        check_row(token, values, _problems(token, named))
        create(token, now)
        token.nodes.set(named)
        after = snapshot(token) | {"nodes": [node.name for node in named]}
        record(actor, "node_token.create", token, before=None, after=after, now=now)
    return token, secret


def revoke_node_token(actor: Actor, token: NodeToken, now: datetime) -> NodeToken:
    """End a token; its agent is cut off within 5 s. A second call changes nothing."""
    require_role(actor, "operator", "inventory")
    if token.revoked_at is not None:
        return token
    before = snapshot(token)
    with transaction.atomic():
        update(token, {"revoked_at": now}, now)
        record(actor, "node_token.revoke", token, before=before, after=snapshot(token), now=now)
    return token


def is_node_token(secret: str) -> bool:
    """True for a secret that an agent could use now."""
    return NodeToken.objects.filter(digest=digest_of(secret), revoked_at__isnull=True).exists()


def _problems(token: NodeToken, nodes: list[Node]) -> list[Problem]:
    if token.may_simulate and any(not node.is_simulated for node in nodes):
        return [Problem("/nodes", "simulation_of_real_node")]
    return []
