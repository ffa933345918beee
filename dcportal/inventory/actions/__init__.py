"""Every change of the inventory, one function each: permission, validation, transaction, audit."""

from dcportal.inventory.actions.hello import node_hello
from dcportal.inventory.actions.liveness import set_liveness

__all__ = ["node_hello", "set_liveness"]
