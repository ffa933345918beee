"""`/metrics` in Prometheus' text form: GPUs by their DCGM names, hosts by node_exporter's.

The older DCGM names and units (percent, MiB, millijoules) are the ones that existing dashboards query.
"""

import ipaddress
from collections.abc import Iterable, Iterator

from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from dcportal import env
from dcportal.accounts.identify import usable_token
from dcportal.common.clock import utcnow
from dcportal.common.tokens import digest_of
from dcportal.inventory.models import Accelerator, Node
from monitoring import queries
from monitoring.hub import hub
from monitoring.ingest import service

# our metric: DCGM name, factor from our unit, help
DCGM = {
    "gpu_utilisation_ratio": ("DCGM_FI_DEV_GPU_UTIL", 100, "GPU utilization (in %)."),
    "gpu_memory_copy_utilisation_ratio": ("DCGM_FI_DEV_MEM_COPY_UTIL", 100, "Memory utilization (in %)."),
    "gpu_encoder_utilisation_ratio": ("DCGM_FI_DEV_ENC_UTIL", 100, "Encoder utilization (in %)."),
    "gpu_decoder_utilisation_ratio": ("DCGM_FI_DEV_DEC_UTIL", 100, "Decoder utilization (in %)."),
    "gpu_memory_used_bytes": ("DCGM_FI_DEV_FB_USED", 1 / 2**20, "Framebuffer memory used (in MiB)."),
    "gpu_memory_reserved_bytes": (
        "DCGM_FI_DEV_FB_RESERVED",
        1 / 2**20,
        "Framebuffer memory reserved (in MiB).",
    ),
    "gpu_power_draw_watts": ("DCGM_FI_DEV_POWER_USAGE", 1, "Power draw (in W)."),
    "gpu_temperature_celsius": ("DCGM_FI_DEV_GPU_TEMP", 1, "GPU temperature (in C)."),
    "gpu_memory_temperature_celsius": ("DCGM_FI_DEV_MEMORY_TEMP", 1, "Memory temperature (in C)."),
    "gpu_sm_clock_megahertz": ("DCGM_FI_DEV_SM_CLOCK", 1, "SM clock frequency (in MHz)."),
    "gpu_memory_clock_megahertz": ("DCGM_FI_DEV_MEM_CLOCK", 1, "Memory clock frequency (in MHz)."),
}
DCGM_COUNTERS = {
    "gpu_energy_joules_total": (
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", 1000, "Total energy consumption since boot (in mJ)."
    ),
    "gpu_pcie_replays_total": ("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", 1, "Total number of PCIe retries."),
    "gpu_remapped_rows_uncorrected_total": (
        "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", 1, "Number of remapped rows for uncorrectable errors"
    ),
    "gpu_remapped_rows_corrected_total": (
        "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", 1, "Number of remapped rows for correctable errors"
    ),
}  # fmt: skip
GPU_LABELS = ["gpu", "UUID", "pci_bus_id", "device", "modelName", "Hostname"]
HOST = {
    "load_average_1m": ("node_load1", "1m load average."),
    "load_average_5m": ("node_load5", "5m load average."),
    "load_average_15m": ("node_load15", "15m load average."),
    "memory_available_bytes": (
        "node_memory_MemAvailable_bytes", "Memory information field MemAvailable_bytes."
    ),
    "cpu_utilisation_ratio": ("dcportal_node_cpu_utilisation_ratio", "Share of CPU time not idle, 0 to 1."),
    "node_power_watts": ("dcportal_node_power_watts", "Power draw of the node."),
}  # fmt: skip


def metrics(request: HttpRequest) -> HttpResponse:
    """Readings of all live nodes, for an allowed address, a token that may read, or a signed-in person."""
    if not _may_read(request):
        return JsonResponse({"code": "not_signed_in"}, status=401, headers={"WWW-Authenticate": "Bearer"})
    registry = CollectorRegistry()
    registry.register(_Exposition())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    """DCP_METRICS_ALLOW lists addresses and networks; none by default, since a proxy may stand before us."""
    scheme, _, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer":
        token = usable_token(digest_of(secret.strip()), utcnow())
        return token is not None and bool({"read", "admin"} & set(token.scopes))
    return request.user.is_authenticated or _listed(request.META.get("REMOTE_ADDR", ""))


def _listed(address: str) -> bool:
    try:
        ours = ipaddress.ip_address(address)
        return any(
            ours in ipaddress.ip_network(each, strict=False) for each in env.names("DCP_METRICS_ALLOW")
        )
    except ValueError:
        return False


class _Exposition(Collector):
    """One scrape: every family is filled in one pass over the nodes' newest readings."""

    def collect(self) -> Iterator[Metric]:
        now = utcnow()
        nodes = list(Node.objects.filter(liveness="live", is_simulated=False))
        readings = [(node, reading) for node in nodes if (reading := queries.latest(node.uid, now))]
        yield from self._accelerators({node.pk: reading for node, reading in readings})
        yield from self._hosts(readings)
        yield from _own()

    def _accelerators(self, readings: dict[int, queries.Reading]) -> Iterable[Metric]:
        gauges = {
            ours: GaugeMetricFamily(name, text, labels=GPU_LABELS) for ours, (name, _, text) in DCGM.items()
        }
        # DCGM's counters carry no `_total`, which a counter family would add.
        counters = {
            ours: _Untouched(name, text, "counter") for ours, (name, _, text) in DCGM_COUNTERS.items()
        }
        free = GaugeMetricFamily(
            "DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB).", labels=GPU_LABELS
        )
        for gpu in Accelerator.objects.filter(node__in=readings).select_related("node"):
            labels = [
                str(gpu.index),
                gpu.uuid,
                gpu.pci_bus_id,
                f"nvidia{gpu.index}",
                gpu.model,
                gpu.node.name,
            ]
            values = readings[gpu.node_id].values.get(gpu.uuid, {})
            for ours, (_, factor, _) in DCGM.items():
                if (value := values.get(ours)) is not None:
                    gauges[ours].add_metric(labels, value * factor)
            for ours, (name, factor, _) in DCGM_COUNTERS.items():
                if (value := values.get(ours)) is not None:
                    counters[ours].add_sample(
                        name, dict(zip(GPU_LABELS, labels, strict=True)), value * factor
                    )
            used = values.get("gpu_memory_used_bytes")
            if used is not None and gpu.memory_bytes is not None:
                free.add_metric(labels, (gpu.memory_bytes - used) / 2**20)
        return [*gauges.values(), free, *counters.values()]

    def _hosts(self, readings: list[tuple[Node, queries.Reading]]) -> Iterable[Metric]:
        families = {
            ours: GaugeMetricFamily(name, text, labels=["instance"]) for ours, (name, text) in HOST.items()
        }
        total = GaugeMetricFamily(
            "node_memory_MemTotal_bytes", "Memory information field MemTotal_bytes.", labels=["instance"]
        )
        for node, reading in readings:
            values = reading.values.get(node.uid, {})
            for ours, family in families.items():
                if (value := values.get(ours)) is not None:
                    family.add_metric([node.name], value)
            if node.memory_bytes is not None:
                total.add_metric([node.name], node.memory_bytes)
        return [*families.values(), total]


class _Untouched(Metric):
    """A family whose samples keep the name they were given."""


def _own() -> Iterator[Metric]:
    fresh = queries.freshness()
    yield GaugeMetricFamily("dcportal_agents", "Agents that ever reported.", fresh.agents)
    yield GaugeMetricFamily("dcportal_agents_reporting", "Agents that report now.", fresh.reporting)
    yield GaugeMetricFamily("dcportal_browsers", "Browsers with a live topic.", hub.browsers())
    for name, value in _counts():
        yield CounterMetricFamily(f"dcportal_{name}", name.replace("_", " "), value)


def _counts() -> Iterator[tuple[str, int]]:
    sources: list[tuple[str, object]] = [("hub", hub.counts)]
    ingest = service.current()
    if ingest is not None:
        sources += [("telemetry", ingest.recorder.counts), ("ingest", ingest.counts)]
    for prefix, counts in sources:
        for name in type(counts).__slots__:  # type: ignore[attr-defined]
            yield f"{prefix}_{name}", getattr(counts, name)
