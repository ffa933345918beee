"""The live part of a node's page: six figures, who holds it, linked charts, GPUs with their jobs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dcportal.accounts.identify import actor_of
from dcportal.common import units
from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from dcportal.dashboard.figures_now import mean, node_watts
from dcportal.inventory.models import Node
from dcportal.inventory.queries import NodeBundle, node_bundle
from jobs.access import jobs_visible_to
from monitoring import queries
from monitoring.figures import line_name, lines
from monitoring.models import Occupancy

LIVE_SECONDS = 300
STALE_SECONDS = 10  # an agent sends each second; the newest block on disk may lie some behind
LIVE_POINTS = 400  # above the seconds of the window, so that each second stays a point
HISTORY_POINTS = 800
MOST_PARTS = 4
NETWORK = ("network_receive_bytes_per_second", "network_transmit_bytes_per_second")
DISK = ("disk_read_bytes_per_second", "disk_write_bytes_per_second")
VIRTUAL = ("lo", "veth", "docker", "br-", "virbr", "loop", "ram", "zram", "dm-")


@dataclass(frozen=True)
class Panel:
    """One chart: metrics of one unit over GPUs, the node or its parts."""

    key: str
    title: str
    metrics: tuple[str, ...]
    part: str = ""
    """`gpu`, empty for the node itself, else `disk`, `net`, `mount`."""


def panels() -> list[Panel]:
    """GPU charts first, then the host."""
    return [
        Panel("gpu-utilisation", _("GPU utilisation"), ("gpu_utilisation_ratio",), "gpu"),
        Panel("gpu-memory", _("GPU memory"), ("gpu_memory_used_ratio",), "gpu"),
        Panel("gpu-power", _("Power per GPU"), ("gpu_power_draw_watts",), "gpu"),
        Panel("gpu-temperature", _("GPU temperature"), ("gpu_temperature_celsius",), "gpu"),
        Panel("cpu", _("CPU"), ("cpu_utilisation_ratio", "cpu_iowait_ratio")),
        Panel("memory", _("Memory"), ("memory_used_ratio",)),
        Panel("network", _("Network"), NETWORK, "net"),
        Panel("disk", _("Disk"), DISK, "disk"),
        Panel("load", _("Load"), ("load_average_1m", "load_average_15m")),
        Panel("power", _("Node power"), ("node_power_watts", "cpu_power_watts")),
        Panel("cpu-temperature", _("CPU temperature"), ("cpu_temperature_celsius",)),
    ]  # fmt: skip


@require_GET
def node_live(request: HttpRequest, uid: str) -> HttpResponse:
    """Fragment that the inventory's node page loads; `?part=figures` leaves the charts out."""
    bundle = node_bundle(uid)
    now = utcnow()
    context = {
        "node": bundle.node,
        "tiles": tiles(bundle, now),
        "fresh": freshness_of(bundle, now),
        "gpus": gpu_rows(bundle, actor_of(request), now),
        "lanes": lanes(bundle, actor_of(request), now),
        "charts": [] if request.GET.get("part") == "figures" else charts(bundle, now),
        "topic": f"node:{uid}",
    }
    return render(request, "dashboard/_node_live.html", context)


def charts(bundle: NodeBundle, now: datetime) -> list[dict[str, Any]]:
    """A card per panel that this node measures."""
    known = queries.metrics_of(bundle.node.uid)
    cards = [card(bundle, panel, known, now) for panel in panels()]
    return [each for each in cards if each is not None]


def card(
    bundle: NodeBundle, panel: Panel, known: dict[str, list[str]], now: datetime
) -> dict[str, Any] | None:
    entities = entities_of(bundle, panel, known)
    metrics = [metric for metric in panel.metrics if is_measured(metric, entities, known)]
    if not entities or not metrics:
        return None
    start = now - timedelta(seconds=LIVE_SECONDS)
    answers = {metric: queries.series(entities, metric, start, now, LIVE_POINTS, now) for metric in metrics}
    names = {entity: name_of(bundle, entity) for entity in entities}
    return {
        "id": panel.key,
        "title": panel.title,
        "figure": with_all_lines(lines(answers, names, limits(bundle, panel)), entities, metrics, names),
        "figure_url": history_url(entities, metrics),
    }


def entities_of(bundle: NodeBundle, panel: Panel, known: dict[str, list[str]]) -> list[str]:
    """The entities of a panel; of parts only real devices, the first four."""
    if panel.part == "gpu":
        return [gpu.uuid for gpu in bundle.accelerators]
    if not panel.part:
        return [bundle.node.uid]
    head = f"{bundle.node.uid}:{panel.part}:"
    parts = [entity for entity in known if entity.startswith(head)]
    return [each for each in parts if not each.removeprefix(head).startswith(VIRTUAL)][:MOST_PARTS]


def is_measured(metric: str, entities: Iterable[str], known: dict[str, list[str]]) -> bool:
    stored = queries.SHARES.get(metric, metric)
    return any(stored in known.get(entity, ()) for entity in entities)


def name_of(bundle: NodeBundle, entity: str) -> str:
    """`GPU 3`, the part's name; empty for the node itself, whose page this is."""
    for gpu in bundle.accelerators:
        if gpu.uuid == entity:
            return f"GPU {gpu.index if gpu.index is not None else '?'}"
    return entity.rpartition(":")[2] if ":" in entity else ""


def with_all_lines(
    figure: dict[str, Any], entities: list[str], metrics: list[str], names: dict[str, str]
) -> dict[str, Any]:
    """Lines for entities that have no history yet, so that their first live point is drawn."""
    have = {trace["meta"]["series"] for trace in figure["data"]}
    data = list(figure["data"])
    for metric in metrics:
        for entity in entities:
            series = f"{entity}/{metric}"
            if series not in have:
                meta = {"series": series, "hue": len(data) % 8 + 1}
                name = line_name(names[entity], metric if len(metrics) > 1 else "")
                data.append({"name": name, "x": [], "y": [], "meta": meta})
    return {**figure, "data": data}


def limits(bundle: NodeBundle, panel: Panel) -> list[dict[str, Any]]:
    """The power limit, where all GPUs share one."""
    if panel.key != "gpu-power":
        return []
    found = {gpu.power_limit_watts for gpu in bundle.accelerators}
    limit = found.pop() if len(found) == 1 else None
    return [{"value": limit, "label": _("limit {n} W").format(n=round(limit))}] if limit else []


def history_url(entities: list[str], metrics: list[str]) -> str:
    query = [("format", "plotly"), ("points", HISTORY_POINTS)]
    query += [("entity", entity) for entity in entities] + [("metric", metric) for metric in metrics]
    return "/api/v1/telemetry/series/?" + urlencode(query)


def tiles(bundle: NodeBundle, now: datetime) -> list[dict[str, Any]]:
    """The figures above the charts; what this node does not measure is left out."""
    reading = queries.latest(bundle.node.uid, now)
    values = reading.values if reading else {}
    gpus = [values.get(gpu.uuid, {}) for gpu in bundle.accelerators]
    rows = gpu_tiles(bundle, gpus) if gpus else []
    return [*rows, *host_tiles(bundle.node, values)][:6]


def host_tiles(node: Node, values: dict[str, dict[str, float | None]]) -> list[dict[str, Any]]:
    own = values.get(node.uid, {})
    watts, load = node_watts(values), own.get("load_average_1m")
    threads = units.MISSING if node.cpu_count is None else str(node.cpu_count)
    all_memory = units.bytes_human(node.memory_bytes)
    return [
        tile(_("CPU"), units.percent(own.get("cpu_utilisation_ratio")), _("{n} threads").format(n=threads)),
        tile(
            _("Memory"),
            units.bytes_human(own.get("memory_used_bytes")),
            _("of {all}").format(all=all_memory),
        ),
        tile(
            _("Node power"),
            units.watts_human(watts),
            _("not readable here") if watts is None else _("measured"),
        ),
        tile(_("Load"), units.MISSING if load is None else f"{load:.2f}", _("1 minute")),
    ]


def gpu_tiles(bundle: NodeBundle, gpus: list[dict[str, float | None]]) -> list[dict[str, Any]]:
    held = queries.occupancy_by_accelerator([gpu.uuid for gpu in bundle.accelerators])
    used = [value for gpu in gpus if (value := gpu.get("gpu_utilisation_ratio")) is not None]
    hot = [value for gpu in gpus if (value := gpu.get("gpu_temperature_celsius")) is not None]
    return [
        tile(_("GPUs busy"), f"{len(held)} / {len(gpus)}", _("held by jobs")),
        tile(_("Utilisation"), units.percent(mean(used)), _("mean of {n}").format(n=len(used))),
        tile(_("Hottest GPU"), f"{max(hot):.0f} °C" if hot else units.MISSING, _("now")),
    ]


def freshness_of(bundle: NodeBundle, now: datetime) -> dict[str, Any]:
    """Whether the figures are fresh, and since when they are not."""
    reading = queries.latest(bundle.node.uid, now)
    at = reading.at if reading else bundle.node.last_seen_at
    is_stale = at is None or (now - at).total_seconds() > STALE_SECONDS
    return {"at": at, "is_stale": is_stale}


def gpu_rows(bundle: NodeBundle, actor: Actor, now: datetime) -> list[dict[str, Any]]:
    """Each GPU with its newest readings and the job that holds it."""
    reading = queries.latest(bundle.node.uid, now)
    values = reading.values if reading else {}
    uuids = [gpu.uuid for gpu in bundle.accelerators]
    held = queries.occupancy_by_accelerator(uuids) if uuids else {}
    wanted = {row.job_uid for row in held.values()}
    jobs = {job.uid: job for job in jobs_visible_to(actor).filter(uid__in=wanted).select_related("owner")}
    return [gpu_row(gpu, values.get(gpu.uuid, {}), held.get(gpu.uuid), jobs) for gpu in bundle.accelerators]


def gpu_row(gpu: Any, own: dict[str, float | None], held: Any, jobs: dict[str, Any]) -> dict[str, Any]:
    temperature = own.get("gpu_temperature_celsius")
    job = jobs.get(held.job_uid) if held else None
    return {
        "index": gpu.index,
        "uuid": gpu.uuid,
        "ratio": own.get("gpu_utilisation_ratio"),
        "memory": units.bytes_human(own.get("gpu_memory_used_bytes")),
        "all_memory": units.bytes_human(gpu.memory_bytes),
        "power": units.watts_human(own.get("gpu_power_draw_watts")),
        "temperature": units.MISSING if temperature is None else f"{temperature:.0f} °C",
        "job": job,
        "is_foreign_team": held is not None and job is None,
        "is_missing": gpu.missing_since is not None,
    }


def tile(label: str, value: str, note: str) -> dict[str, Any]:
    return {"label": label, "value": value, "note": note}


def lanes(bundle: NodeBundle, actor: Actor, now: datetime) -> list[dict[str, Any]]:
    """What held this node in the last hour; a job that the reader may not see stays nameless."""
    held = list(queries.occupancy_of_node(bundle.node.uid, now - timedelta(hours=1), now))
    uids = {row.job_uid for row in held}
    visible = {job.uid: job for job in jobs_visible_to(actor).filter(uid__in=uids).select_related("owner")}
    gpus = {gpu.uuid: gpu for gpu in bundle.accelerators}
    found: dict[str, dict[str, Any]] = {}
    for row in held:
        lane = found.setdefault(row.job_uid, lane_of(row, visible.get(row.job_uid)))
        if row.accelerator_uuid in gpus:
            lane["gpus"].append(gpus[row.accelerator_uuid].index)
    return sorted(found.values(), key=lambda lane: lane["since"], reverse=True)[:12]


def lane_of(row: Occupancy, job: Any) -> dict[str, Any]:
    return {
        "name": job.name if job else _("another team's job"),
        "owner": job.owner.username if job else "",
        "state": job.state if job else ("succeeded" if row.to_at else "running"),
        "url": reverse("jobs:job-detail", args=[row.job_uid]) if job else "",
        "since": row.from_at,
        "until": row.to_at,
        "gpus": [],
    }
