"""The one word that says how a node is, out of its four fields, and whether jobs may start on it."""

from dcportal.inventory.models import Node
from dcportal.inventory.models.nodes import Admission, Lifecycle, Liveness


def state_of(node: Node) -> str:
    """The most telling of lifecycle, admission, liveness and service, as a key of the state badges."""
    if node.lifecycle != Lifecycle.ACTIVE:
        return node.lifecycle
    if node.admission != Admission.ACCEPTED:
        return node.admission if node.admission == Admission.REVOKED or node.machine_id else "never"
    if node.liveness in {Liveness.LOST, Liveness.STALE}:
        return node.liveness
    if node.liveness == Liveness.UNKNOWN:
        return "never"
    return "active" if node.schedulable else "drained"


def is_launchable(node: Node) -> bool:
    """True when an engine could start a job here now."""
    return bool(
        node.launch_engine
        and node.schedulable
        and node.admission == Admission.ACCEPTED
        and node.lifecycle == Lifecycle.ACTIVE
    )
