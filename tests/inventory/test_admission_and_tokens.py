"""Trust, service and the secrets of agents."""

import pytest
from django.core.management import call_command

from dcportal.audit.models import AuditEntry
from dcportal.common.problems import Forbidden, Invalid
from dcportal.inventory import actions, this_host
from dcportal.inventory.models import Accelerator, Node, NodeToken, Site
from tests.inventory.conftest import gpu, hello_of


@pytest.fixture
def node(token_for, now):
    return Node.objects.get(uid=actions.node_hello(token_for(), hello_of("a01"), now).node_uid)


@pytest.mark.parametrize("verb", ["accept_node", "revoke_node", "resume_node"])
@pytest.mark.parametrize("who", ["owner", "viewer"])
def test_only_operators_decide_about_nodes(actor_named, node, now, verb, who):
    with pytest.raises(Forbidden):
        getattr(actions, verb)(actor_named(who), node, now)


def test_accepting_the_portals_own_machine_makes_it_launchable(actor_named, node, now, monkeypatch):
    monkeypatch.setattr(this_host, "machine_id", lambda: "machine-a01")
    node = actions.accept_node(actor_named("operator"), node, now)
    assert (node.admission, node.launch_engine, node.watch_only_reason) == ("accepted", "local", None)


def test_accepting_another_machine_leaves_it_watch_only(actor_named, node, now):
    node = actions.accept_node(actor_named("operator"), node, now)
    assert node.watch_only_reason["code"] == "watch_only_no_engine"


def test_a_revoked_node_can_launch_nothing(actor_named, node, now, monkeypatch):
    monkeypatch.setattr(this_host, "machine_id", lambda: "machine-a01")
    actions.accept_node(actor_named("operator"), node, now)
    assert actions.revoke_node(actor_named("operator"), node, now).launch_engine == ""


@pytest.mark.parametrize(
    ("reason", "code"),
    [("", "required"), ("  ", "required"), ("x" * 301, "too_long"), ("\x00", "unstorable_text")],
)
def test_draining_needs_a_reason(actor_named, node, now, reason, code):
    with pytest.raises(Invalid) as error:
        actions.drain_node(actor_named("operator"), node, reason, now)
    assert [(p.pointer, p.code) for p in error.value.problems] == [("/reason", code)]


def test_draining_and_resuming_are_in_the_trail(actor_named, node, now):
    node = actions.drain_node(actor_named("operator"), node, "fan swap", now)
    assert (node.schedulable, node.unschedulable_reason) == (False, "fan swap")
    actions.resume_node(actor_named("operator"), node, now)
    verbs = AuditEntry.objects.filter(verb__in=["node.drain", "node.resume"]).values_list("verb", flat=True)
    assert sorted(verbs) == ["node.drain", "node.resume"]


def test_a_node_token_is_shown_once_and_kept_as_a_digest(actor_named, now):
    token, secret = actions.create_node_token(actor_named("operator"), {"name": "a01"}, now)
    assert actions.is_node_token(secret)
    assert secret not in str(NodeToken.objects.values())
    actions.revoke_node_token(actor_named("operator"), token, now)
    assert not actions.is_node_token(secret)


@pytest.mark.parametrize("who", ["owner", "viewer"])
def test_only_operators_make_node_tokens(actor_named, now, who):
    with pytest.raises(Forbidden):
        actions.create_node_token(actor_named(who), {"name": "a01"}, now)


def test_the_command_prints_a_usable_secret(db, capsys):
    call_command("create_node_token", "a01", "--accept", "--simulate")
    assert actions.is_node_token(capsys.readouterr().out.strip())
    token = NodeToken.objects.get()
    assert (token.accepts_at_once, token.may_simulate) == (True, True)


def test_removing_the_demo_hall_leaves_everything_real(actor_named, token_for, node, now):
    fleet = token_for(may_simulate=True)
    for number in range(5):
        hello = hello_of(f"s{number}", gpu(f"S{number}"), collector="simulated")
        actions.node_hello(fleet, hello, now)
    counts = actions.remove_simulated(actor_named("operator"), now)
    assert counts == {"tokens": 1, "accelerators": 5, "nodes": 5}
    assert list(Node.objects.all()) == [node]
    assert not Accelerator.objects.exists()
    assert not Site.objects.exists()
    assert actions.node_hello(fleet, hello_of("s0", collector="simulated"), now).code == "token_refused"
    assert AuditEntry.objects.get(verb="demo_hall.remove").before["nodes"] == 5


def test_only_operators_remove_the_demo_hall(actor_named, now):
    with pytest.raises(Forbidden):
        actions.remove_simulated(actor_named("owner"), now)
