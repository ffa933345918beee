"""The door to the real inventory: tokens, admission, liveness."""

from datetime import UTC, datetime, timedelta

import pytest

from dcportal.audit.models import AuditEntry
from dcportal.common.changes import create
from dcportal.common.tokens import digest_of
from dcportal.inventory.models import Node, NodeToken
from monitoring.ingest.door import InventoryDoor
from tests.monitoring.ingest.fakes import hello

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def token() -> NodeToken:
    return create(NodeToken(name="t", prefix="x", digest=digest_of("secret"), accepts_at_once=True), NOW)


def admitted(token: NodeToken) -> str:
    result = InventoryDoor().hello("secret", hello(), NOW)
    assert result.accepted
    assert result.node_uid is not None
    return result.node_uid


def test_a_hello_makes_the_node_and_names_its_gpus(token: NodeToken) -> None:
    uid = admitted(token)
    node = Node.objects.get(uid=uid)
    assert [gpu.uuid for gpu in node.accelerators.all()] == ["GPU-a"]
    assert [row.uid for row in InventoryDoor().nodes()] == [uid]


def test_an_unknown_token_is_refused(token: NodeToken) -> None:
    result = InventoryDoor().hello("guessed", hello(), NOW)
    assert (result.accepted, result.code) == (False, "token_refused")


def test_a_good_pair_is_not_revoked(token: NodeToken) -> None:
    uid = admitted(token)
    assert InventoryDoor().revoked([("secret", uid)]) == set()


@pytest.mark.parametrize("how", ["token", "node", "deleted", "foreign"])
def test_what_may_no_longer_write_is_named(token: NodeToken, how: str) -> None:
    uid = admitted(token)
    if how == "token":
        NodeToken.objects.update(revoked_at=NOW)
    elif how == "node":
        Node.objects.update(admission="revoked")
    elif how == "deleted":
        NodeToken.objects.all().delete()
    pair = ("secret", "somebodyelse" if how == "foreign" else uid)
    assert InventoryDoor().revoked([pair]) == {pair}


def test_revoking_one_node_of_a_token_leaves_its_others(token: NodeToken) -> None:
    uid = admitted(token)
    other = create(Node(name="other", admission="revoked"), NOW)
    token.nodes.add(other)
    assert InventoryDoor().revoked([("secret", uid), ("secret", other.uid)]) == {("secret", other.uid)}


def test_liveness_is_noted_once_with_an_audit_line(token: NodeToken) -> None:
    uid = admitted(token)
    door = InventoryDoor()
    before = AuditEntry.objects.filter(verb="node.liveness").count()
    for _ in range(2):
        door.note_liveness(uid, "live", NOW, NOW)
    door.note_liveness("nobody", "live", NOW, NOW)
    assert Node.objects.get(uid=uid).liveness == "live"
    assert AuditEntry.objects.filter(verb="node.liveness").count() == before + 1


def test_a_heartbeat_moves_only_the_time(token: NodeToken) -> None:
    uid = admitted(token)
    door = InventoryDoor()
    door.note_liveness(uid, "live", NOW, NOW)
    revision = Node.objects.get(uid=uid).revision
    later = NOW + timedelta(minutes=1)
    door.note_heartbeats([uid], later)
    node = Node.objects.get(uid=uid)
    assert (node.last_seen_at, node.revision) == (later, revision)


def test_a_revoked_token_does_not_live_on_through_another_of_the_same_node(token: NodeToken) -> None:
    uid = admitted(token)
    second = create(NodeToken(name="t2", prefix="y", digest=digest_of("second")), NOW)
    second.nodes.add(Node.objects.get(uid=uid))
    NodeToken.objects.filter(pk=token.pk).update(revoked_at=NOW)
    assert InventoryDoor().revoked([("secret", uid), ("second", uid)]) == {("secret", uid)}
