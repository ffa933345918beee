"""The fleet map: racks of nodes of cells. A cell is a GPU, or the node itself where it has none."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from dcportal.inventory.models import Accelerator, Node
from dcportal.inventory.models.nodes import Lifecycle, Liveness
from jobs import ports
from jobs.board import claimed_uuids

MOST_NODES = 2000


def fleet_map() -> dict[str, Any]:
    """What `components/_heatmap.html` takes: the map's structure; its values come over the socket."""
    nodes = list(
        Node.objects.exclude(lifecycle=Lifecycle.RETIRED)
        .select_related("rack", "site")
        .order_by("is_simulated", "site__name", "rack__name", "-position_units", "name")[:MOST_NODES]
    )
    gpus = gpus_by_node(nodes)
    busy = claimed_uuids() | set(ports.foreign_processes())
    racks: dict[str, dict[str, Any]] = {}
    for node in nodes:
        name = rack_label(node)
        rack = racks.setdefault(name, {"name": name, "nodes": []})
        rack["nodes"].append(node_cells(node, gpus[node.pk], busy))
    return {"racks": list(racks.values()), "metrics": metrics(has_gpus=any(gpus.values()))}


def cell_states() -> dict[str, str]:
    """State of each cell by its id, for pages that are open."""
    racks = fleet_map()["racks"]
    return {cell["id"]: cell["state"] for rack in racks for node in rack["nodes"] for cell in node["cells"]}


def gpus_by_node(nodes: Iterable[Node]) -> dict[int, list[Accelerator]]:
    found: dict[int, list[Accelerator]] = defaultdict(list)
    for gpu in Accelerator.objects.filter(node__in=list(nodes)).order_by("index", "uuid"):
        found[gpu.node_id].append(gpu)
    return found


def rack_label(node: Node) -> str:
    """The rack's name; what is simulated says so on the map itself."""
    name = rack_name(node)
    return _("{rack} · simulated").format(rack=name) if node.is_simulated else name


def rack_name(node: Node) -> str:
    """The rack; nodes without one stand under their site, or by themselves."""
    if node.rack:
        return node.rack.name
    return node.site.name if node.site else _("No rack")


def node_cells(node: Node, gpus: list[Accelerator], busy: set[str]) -> dict[str, Any]:
    cells = [gpu_cell(node, gpu, busy) for gpu in gpus] or [cpu_cell(node)]
    return {
        "uid": node.uid,
        "name": node.name,
        "url": reverse("inventory:node-detail", args=[node.uid]),
        "note": node_note(node),
        "cells": cells,
    }


def gpu_cell(node: Node, gpu: Accelerator, busy: set[str]) -> dict[str, Any]:
    state = condition(node) or ("lost" if gpu.missing_since else "")
    is_busy = gpu.uuid in busy or node.is_simulated
    return {"id": gpu.uuid, "label": f"GPU {gpu.index}", "state": state or ("busy" if is_busy else "free")}


def cpu_cell(node: Node) -> dict[str, Any]:
    return {
        "id": node.uid,
        "label": "CPU",
        "state": condition(node) or "busy",
        "series": {
            "utilisation": f"{node.uid}/cpu_utilisation_ratio",
            "memory": f"{node.uid}/memory_used_ratio",
            "temperature": f"{node.uid}/cpu_temperature_celsius",
            "power": f"{node.uid}/node_power_watts",
        },
    }


def condition(node: Node) -> str:
    """Why a node's cells show no value, empty when they do."""
    if node.liveness == Liveness.LOST:
        return "lost"
    if node.liveness in {Liveness.STALE, Liveness.UNKNOWN}:
        return "stale"
    return "" if node.schedulable else "drained"


def node_note(node: Node) -> str:
    """What the line under the map adds to the node's name."""
    if node.is_simulated:
        return _("simulated")
    if not node.schedulable:
        return _("drained: {reason}").format(reason=node.unschedulable_reason or "–")
    return ""


def metrics(*, has_gpus: bool) -> list[dict[str, Any]]:
    """The switches above the map."""
    prefix = "gpu" if has_gpus else "cpu"
    memory = "gpu_memory_used_ratio" if has_gpus else "memory_used_ratio"
    memory_label = pgettext("GPU", "Memory") if has_gpus else _("Memory")
    power = "gpu_power_draw_watts" if has_gpus else "node_power_watts"
    return [
        {"key": "utilisation", "label": _("Utilisation"), "unit": "ratio", "low": 0, "high": 1,
         "series": f"{{id}}/{prefix}_utilisation_ratio"},
        {"key": "memory", "label": memory_label, "unit": "ratio", "low": 0, "high": 1,
         "series": f"{{id}}/{memory}", "idle": "value"},
        {"key": "temperature", "label": _("Temp"), "unit": "celsius", "low": 20, "high": 95,
         "series": f"{{id}}/{prefix}_temperature_celsius", "idle": "value"},
        {"key": "power", "label": _("Power"), "unit": "watts", "low": 0, "high": 700,
         "series": f"{{id}}/{power}", "idle": "value"},
    ]  # fmt: skip
