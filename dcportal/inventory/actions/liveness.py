"""What ingest learns from silence: a node's liveness."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from dcportal.audit.actions import record
from dcportal.common.actors import system_actor
from dcportal.common.problems import NotFound
from dcportal.inventory.models import HardwareEvent, Node
from dcportal.inventory.models.nodes import Liveness

INGEST = system_actor("ingest")


def note_heartbeats(node_uids: Collection[str], now: datetime) -> int:
    """Note in one statement that these nodes are heard at this moment; no audit line, nothing changed."""
    return Node.objects.filter(uid__in=node_uids, liveness=Liveness.LIVE).update(last_seen_at=now)


def set_liveness(node_uid: str, liveness: str, last_seen_at: datetime | None, now: datetime) -> bool:
    """Note a node's liveness as derived from the age of its last sample; True when it changed.

    A change leaves an audit line and a HardwareEvent (`node_live`, `node_stale`, `node_lost`); a mere
    heartbeat only moves `last_seen_at`. The revision stays, so that no edit by people is disturbed.
    """
    with transaction.atomic():
        node = Node.objects.filter(uid=node_uid).first()
        if node is None:
            raise NotFound()
        before = node.liveness
        Node.objects.filter(pk=node.pk).update(liveness=liveness, last_seen_at=last_seen_at)
        if before == liveness:
            return False
        HardwareEvent.objects.create(at=now, node=node, code=f"node_{liveness}", params={"was": before})
        record(
            INGEST,
            "node.liveness",
            node,
            before={"liveness": before},
            after={"liveness": liveness},
            now=now,
        )
        return True
