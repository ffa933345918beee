"""Every metric the portal knows: its unit, its integer scale, what it is measured on.

Read by the agent (which sends integers), ingest and store (which keep them) and the pages (which
turn them back). Promise: an id never changes its meaning, unit, kind, scale or dtype; a new scale
is a new id. Imports nothing but the standard library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

NODE_ENTITY = ""
"""Entity of a column about the node itself; the agent need not know the node's uid."""

Entity = Literal["node", "accelerator"]
Part = Literal["core", "disk", "net", "mount"]
Kind = Literal["gauge", "counter"]


def gettext_noop(text: str) -> str:
    """Mark `text` for the message catalogues; the reader's language is chosen where it is shown."""
    return text


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured quantity. Stored integer = round(value * scale), value in `unit`.

    `part` names the sort of node part a column belongs to ("disk": entity `disk:nvme0n1`), or is
    None for the node or accelerator as a whole. `maximum` is the highest plausible value in `unit`.
    """

    id: str
    entity: Entity
    unit: str
    label: str
    group: str
    scale: int = 1
    dtype: str = "<i8"
    kind: Kind = "gauge"
    part: Part | None = None
    maximum: float | None = None

    def to_stored(self, value: float | None) -> int | None:
        """The integer sent and stored for `value`; None stays None."""
        return None if value is None else round(value * self.scale)

    def from_stored(self, stored: int | None) -> float | None:
        """The value in `unit` of a stored integer; None stays None."""
        return None if stored is None else stored / self.scale


def _gpu(id_: str, unit: str, label: str, group: str, **more: object) -> Metric:
    return Metric(id_, "accelerator", unit, label, group, **more)  # type: ignore[arg-type]


def _node(id_: str, unit: str, label: str, group: str, **more: object) -> Metric:
    return Metric(id_, "node", unit, label, group, **more)  # type: ignore[arg-type]


def _ratio(scale: int = 100) -> dict[str, object]:
    return {"scale": scale, "dtype": "<i2", "maximum": 1.0}


_COUNTER: dict[str, object] = {"kind": "counter"}
_SMALL: dict[str, object] = {"dtype": "<i4"}
_MILLI: dict[str, object] = {"scale": 1000, "dtype": "<i4"}
_MILLI_COUNTER: dict[str, object] = {"scale": 1000, "kind": "counter"}
_NANO_COUNTER: dict[str, object] = {"scale": 1_000_000_000, "kind": "counter"}

# NVML's own resolution is kept without loss: percent, bytes, mW, mJ, MHz, degrees, ns.
_ACCELERATOR = (
    _gpu("gpu_utilisation_ratio", "ratio", gettext_noop("GPU utilisation"), "utilisation", **_ratio()),
    _gpu(
        "gpu_memory_copy_utilisation_ratio",
        "ratio",
        gettext_noop("Memory bandwidth activity"),
        "utilisation",
        **_ratio(),
    ),
    _gpu(
        "gpu_encoder_utilisation_ratio",
        "ratio",
        gettext_noop("Video encoder utilisation"),
        "utilisation",
        **_ratio(),
    ),
    _gpu(
        "gpu_decoder_utilisation_ratio",
        "ratio",
        gettext_noop("Video decoder utilisation"),
        "utilisation",
        **_ratio(),
    ),
    _gpu("gpu_memory_used_bytes", "bytes", gettext_noop("GPU memory in use"), "memory"),
    _gpu("gpu_memory_reserved_bytes", "bytes", gettext_noop("GPU memory reserved by the driver"), "memory"),
    _gpu("gpu_power_draw_watts", "watts", gettext_noop("GPU power"), "power", **_MILLI),
    _gpu("gpu_power_limit_watts", "watts", gettext_noop("GPU power limit"), "power", **_MILLI),
    _gpu("gpu_energy_joules_total", "joules", gettext_noop("GPU energy"), "power", **_MILLI_COUNTER),
    _gpu("gpu_temperature_celsius", "celsius", gettext_noop("GPU temperature"), "temperature", dtype="<i2"),
    _gpu(
        "gpu_memory_temperature_celsius",
        "celsius",
        gettext_noop("GPU memory temperature"),
        "temperature",
        dtype="<i2",
    ),
    _gpu("gpu_fan_ratio", "ratio", gettext_noop("GPU fan speed"), "temperature", scale=100, dtype="<i2"),
    _gpu("gpu_sm_clock_megahertz", "megahertz", gettext_noop("SM clock"), "clocks", **_SMALL),
    _gpu("gpu_memory_clock_megahertz", "megahertz", gettext_noop("Memory clock"), "clocks", **_SMALL),
    _gpu(
        "gpu_performance_state",
        "state",
        gettext_noop("Performance state (P0 is fastest)"),
        "clocks",
        dtype="<i2",
    ),
    _gpu("gpu_throttle_reasons_bitmask", "bitmask", gettext_noop("Reasons for reduced clocks"), "clocks"),
    _gpu(
        "gpu_power_violation_seconds_total",
        "seconds",
        gettext_noop("Time held back by the power limit"),
        "clocks",
        **_NANO_COUNTER,
    ),
    _gpu(
        "gpu_thermal_violation_seconds_total",
        "seconds",
        gettext_noop("Time held back by temperature"),
        "clocks",
        **_NANO_COUNTER,
    ),
    _gpu("gpu_pcie_transmit_bytes_per_second", "bytes_per_second", gettext_noop("PCIe sent"), "links"),
    _gpu("gpu_pcie_receive_bytes_per_second", "bytes_per_second", gettext_noop("PCIe received"), "links"),
    _gpu("gpu_pcie_replays_total", "count", gettext_noop("PCIe replays"), "errors", **_COUNTER),
    _gpu("gpu_nvlink_transmit_bytes_total", "bytes", gettext_noop("NVLink sent"), "links", **_COUNTER),
    _gpu("gpu_nvlink_receive_bytes_total", "bytes", gettext_noop("NVLink received"), "links", **_COUNTER),
    _gpu(
        "gpu_ecc_corrected_errors_total", "count", gettext_noop("ECC errors corrected"), "errors", **_COUNTER
    ),
    _gpu(
        "gpu_ecc_uncorrected_errors_total",
        "count",
        gettext_noop("ECC errors not corrected"),
        "errors",
        **_COUNTER,
    ),
    _gpu(
        "gpu_remapped_rows_corrected_total",
        "count",
        gettext_noop("Memory rows remapped, correctable"),
        "errors",
        **_COUNTER,
    ),
    _gpu(
        "gpu_remapped_rows_uncorrected_total",
        "count",
        gettext_noop("Memory rows remapped, uncorrectable"),
        "errors",
        **_COUNTER,
    ),
    _gpu(
        "gpu_remapped_rows_pending",
        "flag",
        gettext_noop("Row remap waits for a reset"),
        "errors",
        dtype="<i2",
    ),
    _gpu("gpu_remap_failed", "flag", gettext_noop("Row remap failed"), "errors", dtype="<i2"),
    _gpu(
        "gpu_xid_errors_total",
        "count",
        gettext_noop("XID errors since the agent started"),
        "errors",
        **_COUNTER,
    ),
)

_HOST = (
    _node("cpu_utilisation_ratio", "ratio", gettext_noop("CPU utilisation"), "cpu", **_ratio(1000)),
    _node("cpu_iowait_ratio", "ratio", gettext_noop("CPU waiting for storage"), "cpu", **_ratio(1000)),
    _node(
        "cpu_core_utilisation_ratio",
        "ratio",
        gettext_noop("Utilisation per core"),
        "cpu",
        part="core",
        **_ratio(1000),
    ),
    _node("load_average_1m", "processes", gettext_noop("Load, 1 minute"), "load", scale=100, dtype="<i4"),
    _node("load_average_5m", "processes", gettext_noop("Load, 5 minutes"), "load", scale=100, dtype="<i4"),
    _node("load_average_15m", "processes", gettext_noop("Load, 15 minutes"), "load", scale=100, dtype="<i4"),
    _node("memory_used_bytes", "bytes", gettext_noop("Memory in use"), "memory"),
    _node("memory_available_bytes", "bytes", gettext_noop("Memory available"), "memory"),
    _node("swap_used_bytes", "bytes", gettext_noop("Swap in use"), "memory"),
    _node("disk_read_bytes_per_second", "bytes_per_second", gettext_noop("Disk read"), "disk", part="disk"),
    _node(
        "disk_write_bytes_per_second", "bytes_per_second", gettext_noop("Disk written"), "disk", part="disk"
    ),
    _node("disk_busy_ratio", "ratio", gettext_noop("Disk busy"), "disk", part="disk", **_ratio(1000)),
    _node("filesystem_used_bytes", "bytes", gettext_noop("File system in use"), "filesystem", part="mount"),
    _node("filesystem_free_bytes", "bytes", gettext_noop("File system free"), "filesystem", part="mount"),
    _node(
        "network_receive_bytes_per_second",
        "bytes_per_second",
        gettext_noop("Network received"),
        "network",
        part="net",
    ),
    _node(
        "network_transmit_bytes_per_second",
        "bytes_per_second",
        gettext_noop("Network sent"),
        "network",
        part="net",
    ),
    _node(
        "network_errors_total",
        "count",
        gettext_noop("Network errors and drops"),
        "network",
        part="net",
        **_COUNTER,
    ),
    _node("node_power_watts", "watts", gettext_noop("Node power"), "power", **_MILLI),
    _node("cpu_power_watts", "watts", gettext_noop("CPU power"), "power", **_MILLI),
    _node(
        "cpu_energy_joules_total",
        "joules",
        gettext_noop("CPU energy"),
        "power",
        scale=1_000_000,
        kind="counter",
    ),
    _node("cpu_temperature_celsius", "celsius", gettext_noop("CPU temperature"), "temperature", **_MILLI),
    _node("uptime_seconds", "seconds", gettext_noop("Up time"), "load"),
    _node(
        "agent_dropped_frames_total",
        "count",
        gettext_noop("Frames the agent had to drop"),
        "agent",
        **_COUNTER,
    ),
)

METRICS: dict[str, Metric] = {metric.id: metric for metric in _ACCELERATOR + _HOST}
ACCELERATOR_METRICS: tuple[str, ...] = tuple(metric.id for metric in _ACCELERATOR)
NODE_METRICS: tuple[str, ...] = tuple(metric.id for metric in _HOST)

THROTTLE_REASONS: dict[int, str] = {
    0x1: gettext_noop("idle"),
    0x2: gettext_noop("clocks set by an application"),
    0x4: gettext_noop("software power cap"),
    0x8: gettext_noop("hardware slowdown"),
    0x10: gettext_noop("kept in step with a slower GPU"),
    0x20: gettext_noop("software thermal slowdown"),
    0x40: gettext_noop("hardware thermal slowdown"),
    0x80: gettext_noop("hardware power brake"),
    0x100: gettext_noop("display clock setting"),
}
"""Bits of `gpu_throttle_reasons_bitmask`, as NVML numbers them."""


def find(metric_id: str) -> Metric | None:
    """The metric of that id, or None for one that only a newer agent knows."""
    return METRICS.get(metric_id)


def fits(metric: Metric, entity: str) -> bool:
    """Whether a column of `metric` may be about `entity` (see `entity_kind`)."""
    kind, part = entity_kind(entity)
    return metric.entity == kind and metric.part == part


def entity_kind(entity: str) -> tuple[Entity, Part | None]:
    """What a layout's entity is: `""` the node, `disk:sda` a part of it, else an accelerator UUID."""
    if entity == NODE_ENTITY:
        return "node", None
    head, colon, _name = entity.partition(":")
    if colon and head in ("core", "disk", "net", "mount"):
        return "node", head  # type: ignore[return-value]
    return "accelerator", None


def layout_id(columns: Iterable[tuple[str, str]]) -> str:
    """16 hex characters that name an ordered list of (entity, metric id) columns.

    Scale, dtype and kind go in too, so blocks of one layout id can be read without the catalogue
    of the version that wrote them.
    """
    digest = hashlib.blake2b(digest_size=8)
    for entity, metric_id in columns:
        metric = find(metric_id)
        form = (metric.scale, metric.dtype, metric.kind) if metric else ()
        digest.update(repr((entity, metric_id, *form)).encode())
    return digest.hexdigest()
