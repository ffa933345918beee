"""A node introduces itself: recognised, refused, and what it reports noted."""

from datetime import timedelta

import pytest

from dcportal.audit.models import AuditEntry
from dcportal.common.changes import create
from dcportal.inventory import this_host
from dcportal.inventory.actions import node_hello, set_liveness
from dcportal.inventory.models import Accelerator, HardwareEvent, Node, NodeToken, Site
from tests.inventory.conftest import gpu, hello_of


def test_a_first_hello_creates_the_node_and_its_gpus(token_for, now):
    result = node_hello(token_for(), hello_of("a01", gpu("A"), gpu("B", 1)), now)
    node = Node.objects.get(uid=result.node_uid)
    assert (result.accepted, node.name, node.admission, result.admission) == (True, "a01", "new", "new")
    assert node.cpu_count == 64
    assert set(result.accelerators) == {"GPU-A", "GPU-B"}


def test_a_first_hello_is_audited_as_the_token(token_for, now):
    node_hello(token_for(), hello_of("a01", gpu("A")), now)
    entry = AuditEntry.objects.get(verb="node.appear")
    assert (entry.actor_kind, entry.before, entry.after["name"]) == ("node", {}, "a01")


def test_a_token_that_accepts_at_once_spares_the_operator_a_click(token_for, now):
    assert node_hello(token_for(accepts_at_once=True), hello_of("a01"), now).admission == "accepted"


def test_the_same_machine_is_found_again_after_a_new_host_name(token_for, now):
    token = token_for()
    first = node_hello(token, hello_of("a01"), now)
    again = node_hello(token, hello_of("renamed", machine_id="machine-a01"), now)
    assert again.node_uid == first.node_uid
    assert Node.objects.get().name == "a01"


def test_an_unchanged_hello_leaves_no_audit_line(token_for, now):
    token = token_for()
    node_hello(token, hello_of("a01", gpu("A")), now)
    lines = AuditEntry.objects.count()
    node_hello(token, hello_of("a01", gpu("A")), now + timedelta(hours=1))
    assert AuditEntry.objects.count() == lines


def test_a_node_entered_by_hand_is_taken_over_by_its_machine(token_for, now):
    planned = create(Node(name="a01"), now)
    assert node_hello(token_for(), hello_of("a01"), now).node_uid == planned.uid


def test_two_machines_of_one_host_name_become_two_nodes(token_for, now):
    node_hello(token_for(), hello_of("node"), now)
    second = node_hello(token_for(), hello_of("node", machine_id="other"), now)
    assert second.node_name == "node-2"


@pytest.mark.parametrize("secret", ["", "dcp_node_wrong", "\ud800"])
def test_an_unknown_token_is_refused(db, now, secret):
    result = node_hello(secret, hello_of("a01"), now)
    assert (result.accepted, result.code, Node.objects.count()) == (False, "token_refused", 0)


def test_a_revoked_token_is_refused(token_for, now):
    token = token_for()
    NodeToken.objects.update(revoked_at=now)
    assert node_hello(token, hello_of("a01"), now).code == "token_refused"


def test_a_token_of_one_node_does_not_admit_another(token_for, now):
    token = token_for()
    node_hello(token, hello_of("a01"), now)
    result = node_hello(token, hello_of("a02"), now)
    assert (result.code, result.params) == ("node_refused", {"why": "token_names_another_node"})


def test_a_fresh_token_cannot_take_over_a_node_that_has_one(token_for, now):
    node_hello(token_for(), hello_of("a01"), now)
    result = node_hello(token_for(), hello_of("a01"), now)
    assert result.params == {"why": "node_has_another_token"}


def test_a_node_uid_does_not_help_a_foreign_token(token_for, now):
    first = node_hello(token_for(), hello_of("a01"), now)
    result = node_hello(token_for(), hello_of("a02", node_uid=first.node_uid), now)
    assert result.code == "node_refused"


def test_a_revoked_node_stays_out(token_for, now):
    token = token_for()
    node_hello(token, hello_of("a01"), now)
    Node.objects.update(admission="revoked")
    assert node_hello(token, hello_of("a01"), now).params == {"why": "node_revoked"}


@pytest.mark.parametrize(("may_simulate", "collector"), [(False, "simulated"), (True, "real")])
def test_a_token_serves_one_kind_of_collector(token_for, now, may_simulate, collector):
    token = token_for(may_simulate=may_simulate)
    assert node_hello(token, hello_of("a01", collector=collector), now).code == "node_refused"


def test_a_simulated_fleet_stands_in_a_simulated_hall(token_for, now):
    token = token_for(may_simulate=True)
    for number in range(5):
        node_hello(token, hello_of(f"s{number}", gpu(f"S{number}"), collector="simulated"), now)
    assert Site.objects.get().is_simulated
    assert not Node.objects.filter(is_simulated=False).exists()
    assert not Accelerator.objects.filter(is_simulated=False).exists()
    assert sorted(Node.objects.values_list("rack__name", flat=True)) == ["D01"] * 4 + ["D02"]


def test_a_vanished_gpu_is_marked_missing_not_deleted(token_for, now):
    token = token_for()
    node_hello(token, hello_of("a01", gpu("A"), gpu("B", 1)), now)
    node_hello(token, hello_of("a01", gpu("A")), now + timedelta(minutes=1))
    assert Accelerator.objects.get(uuid="GPU-B").missing_since == now + timedelta(minutes=1)
    assert HardwareEvent.objects.filter(code="accelerator_missing").count() == 1


def test_a_returned_gpu_is_no_longer_missing(token_for, now):
    token = token_for()
    for gpus in ([gpu("A")], [], [gpu("A")]):
        node_hello(token, hello_of("a01", *gpus), now)
    accelerator = Accelerator.objects.get()
    assert (accelerator.missing_since, accelerator.placements.count()) == (None, 1)


def test_gpus_swapped_between_two_silent_nodes_are_found_by_uuid(token_for, now):
    tokens = {"a01": token_for(), "a02": token_for()}
    node_hello(tokens["a01"], hello_of("a01", gpu("A")), now)
    node_hello(tokens["a02"], hello_of("a02", gpu("B")), now)
    later = now + timedelta(hours=1)
    node_hello(tokens["a01"], hello_of("a01", gpu("B")), later)
    node_hello(tokens["a02"], hello_of("a02", gpu("A")), later)
    places = dict(Accelerator.objects.values_list("uuid", "node__name"))
    assert places == {"GPU-A": "a02", "GPU-B": "a01"}
    assert not Accelerator.objects.filter(missing_since__isnull=False).exists()
    placements = Accelerator.objects.get(uuid="GPU-A").placements.order_by("from_at")
    assert [(p.node.name, p.to_at) for p in placements] == [("a01", later), ("a02", None)]


def test_a_node_cannot_claim_a_gpu_that_another_reports_live(token_for, now):
    owner = node_hello(token_for(), hello_of("a01", gpu("A")), now)
    set_liveness(owner.node_uid, "live", now, now)
    result = node_hello(token_for(), hello_of("thief", gpu("A")), now)
    assert result.accelerators == {}
    assert Accelerator.objects.get().node.name == "a01"
    assert HardwareEvent.objects.filter(code="accelerator_claimed").exists()


def test_a_simulated_fleet_cannot_claim_a_real_gpu(token_for, now):
    node_hello(token_for(), hello_of("a01", gpu("A")), now)
    node_hello(token_for(may_simulate=True), hello_of("s", gpu("A"), collector="simulated"), now)
    assert Accelerator.objects.get().node.name == "a01"


def test_the_portals_own_machine_can_launch_and_others_say_why_not(token_for, now, monkeypatch):
    monkeypatch.setattr(this_host, "machine_id", lambda: "machine-here")
    for name in ("here", "there"):
        node_hello(token_for(accepts_at_once=True), hello_of(name), now)
    here, there = Node.objects.get(name="here"), Node.objects.get(name="there")
    assert (here.launch_engine, here.watch_only_reason) == ("local", None)
    assert (there.launch_engine, there.watch_only_reason["code"]) == ("", "watch_only_no_engine")


def test_a_node_not_yet_accepted_is_watch_only(token_for, now, monkeypatch):
    monkeypatch.setattr(this_host, "machine_id", lambda: "machine-here")
    node_hello(token_for(), hello_of("here"), now)
    assert Node.objects.get().watch_only_reason["code"] == "watch_only_not_accepted"


def test_a_reinstalled_machine_is_recognised_once_the_old_one_is_silent(token_for, now):
    token = token_for()
    first = node_hello(token, hello_of("a01"), now)
    set_liveness(first.node_uid, "live", now, now)
    fresh = hello_of("a01", machine_id="new-installation")
    assert node_hello(token, fresh, now).params == {"why": "another_machine_is_live"}
    assert node_hello(token, fresh, now + timedelta(minutes=5)).node_uid == first.node_uid


def test_only_a_change_of_liveness_is_an_event(token_for, now):
    uid = node_hello(token_for(), hello_of("a01"), now).node_uid
    assert set_liveness(uid, "live", now, now) is True
    assert set_liveness(uid, "live", now + timedelta(seconds=1), now) is False
    assert HardwareEvent.objects.filter(code="node_live").count() == 1
    assert Node.objects.get().last_seen_at == now + timedelta(seconds=1)


def test_a_new_node_is_one_line_with_all_its_gpus(token_for, now):
    node_hello(token_for(), hello_of("a01", gpu("A"), gpu("B", 1)), now)
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.after["accelerators"]) == ("node.appear", ["GPU-A", "GPU-B"])


def test_a_gpu_that_comes_later_has_a_line_of_its_own(token_for, now):
    token = token_for()
    node_hello(token, hello_of("a01", gpu("A")), now)
    node_hello(token, hello_of("a01", gpu("A"), gpu("B", 1)), now)
    assert AuditEntry.objects.get(verb="accelerator.add").after["uuid"] == "GPU-B"
