"""Readings that may block for milliseconds, or change slowly; taken in a thread of their own.

nvmlDeviceGetPcieThroughput alone measures for about 20 ms per call and direction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pynvml

from monitoring.agent.collectors.base import Values
from monitoring.agent.collectors.nvml.devices import Device
from monitoring.agent.collectors.nvml.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Round:
    """Readings taken together: how often, and for how long one is shown before it is None again."""

    metrics: tuple[str, ...]
    read: Callable[[Gateway, Device], Values]
    every_seconds: float
    stale_seconds: float

    @property
    def nothing(self) -> Values:
        """A row without readings."""
        return [None] * len(self.metrics)


_ALL_LINKS = 0xFFFFFFFF
_FIELDS = (
    (pynvml.NVML_FI_DEV_MEMORY_TEMP, 0),
    (pynvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX, _ALL_LINKS),
    (pynvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX, _ALL_LINKS),
)
_KIBIBYTE = 1024


class _Asker:
    """Questions to one GPU; `variant` keeps apart the memories of calls that differ by an argument."""

    def __init__(self, gateway: Gateway, device: Device) -> None:
        self._gateway, self._device = gateway, device

    def __call__(self, function: str, *args: Any, variant: int = 0) -> Any:
        key = self._device.index + 1000 * variant
        return self._gateway.ask(function, self._device.handle, *args, key=key)


def _read_links(gateway: Gateway, device: Device) -> Values:
    ask = _Asker(gateway, device)
    memory_celsius, nvlink_sent, nvlink_received = _fields(ask)
    return [
        memory_celsius,
        *_pcie(ask),
        _times(nvlink_sent, _KIBIBYTE),
        _times(nvlink_received, _KIBIBYTE),
        device.xid_count,
    ]


def _read_health(gateway: Gateway, device: Device) -> Values:
    ask = _Asker(gateway, device)
    return [
        _first(ask("nvmlDeviceGetEncoderUtilization")),
        _first(ask("nvmlDeviceGetDecoderUtilization")),
        ask("nvmlDeviceGetEnforcedPowerLimit"),
        ask("nvmlDeviceGetFanSpeed"),
        _known_state(ask("nvmlDeviceGetPerformanceState")),
        *_violations(ask),
        ask("nvmlDeviceGetPcieReplayCounter"),
        *_ecc(ask),
        *(ask("nvmlDeviceGetRemappedRows") or (None,) * 4),
    ]


def _fields(ask: _Asker) -> Values:
    found = ask("nvmlDeviceGetFieldValues", list(_FIELDS))
    if found is None:
        return [None] * len(_FIELDS)
    return [_field_value(value) for value in found]


def _field_value(field: Any) -> int | None:
    if field.nvmlReturn != pynvml.NVML_SUCCESS:
        return None
    if field.valueType == pynvml.NVML_VALUE_TYPE_UNSIGNED_INT:
        return field.value.uiVal
    if field.valueType == pynvml.NVML_VALUE_TYPE_DOUBLE:
        return round(field.value.dVal)
    return field.value.ullVal


def _pcie(ask: _Asker) -> Values:
    # NVML says KB/s; its source and nvidia-smi's MB/s column use 1,000
    sent = ask("nvmlDeviceGetPcieThroughput", pynvml.NVML_PCIE_UTIL_TX_BYTES)
    received = ask("nvmlDeviceGetPcieThroughput", pynvml.NVML_PCIE_UTIL_RX_BYTES, variant=1)
    return [_times(sent, 1000), _times(received, 1000)]


def _ecc(ask: _Asker) -> Values:
    # volatile counts: since the driver was loaded
    kinds = (pynvml.NVML_MEMORY_ERROR_TYPE_CORRECTED, pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED)
    return [
        ask("nvmlDeviceGetTotalEccErrors", kind, pynvml.NVML_VOLATILE_ECC, variant=kind) for kind in kinds
    ]


def _violations(ask: _Asker) -> Values:
    policies = (pynvml.NVML_PERF_POLICY_POWER, pynvml.NVML_PERF_POLICY_THERMAL)
    found = [ask("nvmlDeviceGetViolationStatus", policy, variant=policy) for policy in policies]
    return [violation.violationTime if violation is not None else None for violation in found]


def _first(pair: Any) -> int | None:
    return pair[0] if pair else None


def _times(value: int | None, factor: int) -> int | None:
    return None if value is None else value * factor


def _known_state(state: int | None) -> int | None:
    return None if state == pynvml.NVML_PSTATE_UNKNOWN else state


LINKS = Round(
    metrics=(
        "gpu_memory_temperature_celsius",
        "gpu_pcie_transmit_bytes_per_second",
        "gpu_pcie_receive_bytes_per_second",
        "gpu_nvlink_transmit_bytes_total",
        "gpu_nvlink_receive_bytes_total",
        "gpu_xid_errors_total",
    ),
    read=_read_links,
    every_seconds=2.0,
    stale_seconds=10.0,
)
HEALTH = Round(
    metrics=(
        "gpu_encoder_utilisation_ratio",
        "gpu_decoder_utilisation_ratio",
        "gpu_power_limit_watts",
        "gpu_fan_ratio",
        "gpu_performance_state",
        "gpu_power_violation_seconds_total",
        "gpu_thermal_violation_seconds_total",
        "gpu_pcie_replays_total",
        "gpu_ecc_corrected_errors_total",
        "gpu_ecc_uncorrected_errors_total",
        "gpu_remapped_rows_corrected_total",
        "gpu_remapped_rows_uncorrected_total",
        "gpu_remapped_rows_pending",
        "gpu_remap_failed",
    ),
    read=_read_health,
    every_seconds=10.0,
    stale_seconds=40.0,
)
ROUNDS = (LINKS, HEALTH)
SLOW_METRICS: tuple[str, ...] = LINKS.metrics + HEALTH.metrics


def fresh_readings(device: Device, monotonic: float) -> Values:
    """One value per slow metric; None where the last reading is too old, or the GPU is lost."""
    row: Values = []
    for number, round_ in enumerate(ROUNDS):
        known = None if device.lost else device.slow.get(number)
        is_fresh = known is not None and monotonic - known[0] <= round_.stale_seconds
        row += known[1] if known is not None and is_fresh else round_.nothing
    return row
