"""Which engine can start jobs on a node; without one the node is watch only, and here is why."""

from typing import Any

from dcportal.common.reasons import reason
from dcportal.inventory import this_host
from dcportal.inventory.models import Node
from dcportal.inventory.models.nodes import Admission

LOCAL_ENGINE = "local"


def launching_of(node: Node) -> tuple[str, dict[str, Any] | None]:
    """(engine, None) for a node jobs can run on, else ("", reason). Engines of clusters claim theirs."""
    if node.is_simulated:
        return "", reason("watch_only_simulated")
    if node.admission != Admission.ACCEPTED:
        return "", reason("watch_only_not_accepted")
    if node.launch_engine not in {"", LOCAL_ENGINE}:
        return node.launch_engine, None
    if node.machine_id is not None and node.machine_id == this_host.machine_id():
        return LOCAL_ENGINE, None
    return "", reason("watch_only_no_engine")
