"""Every change of the inventory, one function each: permission, validation, transaction, audit."""

from dcportal.inventory.actions.admission import accept_node, drain_node, resume_node, revoke_node
from dcportal.inventory.actions.hello import node_hello
from dcportal.inventory.actions.liveness import note_heartbeats, set_liveness
from dcportal.inventory.actions.records import EDITABLE, add_record, delete_record, edit_record
from dcportal.inventory.actions.simulated import remove_simulated
from dcportal.inventory.actions.tokens import create_node_token, is_node_token, revoke_node_token

__all__ = [
    "EDITABLE",
    "accept_node",
    "add_record",
    "create_node_token",
    "delete_record",
    "drain_node",
    "edit_record",
    "is_node_token",
    "node_hello",
    "note_heartbeats",
    "remove_simulated",
    "resume_node",
    "revoke_node",
    "revoke_node_token",
    "set_liveness",
]
