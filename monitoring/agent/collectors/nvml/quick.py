"""Readings that NVML answers in microseconds; taken at every tick."""

from __future__ import annotations

import pynvml

from monitoring.agent.collectors.base import Happening, Values
from monitoring.agent.collectors.nvml.devices import Device, memory_info
from monitoring.agent.collectors.nvml.gateway import Gateway

QUICK_METRICS: tuple[str, ...] = (
    "gpu_utilisation_ratio",
    "gpu_memory_copy_utilisation_ratio",
    "gpu_memory_used_bytes",
    "gpu_memory_reserved_bytes",
    "gpu_power_draw_watts",
    "gpu_energy_joules_total",
    "gpu_temperature_celsius",
    "gpu_sm_clock_megahertz",
    "gpu_memory_clock_megahertz",
    "gpu_throttle_reasons_bitmask",
)
NOTHING: Values = [None] * len(QUICK_METRICS)


def read_quick(gateway: Gateway, device: Device) -> Values:
    """One value per quick metric, already in stored units: NVML's own. Raises GpuLost, DriverGone."""
    ask, handle, index = gateway.ask, device.handle, device.index
    utilisation = ask("nvmlDeviceGetUtilizationRates", handle, key=index)
    used, reserved = memory_info(gateway, device)
    return [
        utilisation.gpu if utilisation else None,
        utilisation.memory if utilisation else None,
        used,
        reserved,
        ask("nvmlDeviceGetPowerUsage", handle, key=index),
        ask("nvmlDeviceGetTotalEnergyConsumption", handle, key=index),
        _temperature(gateway, device),
        ask("nvmlDeviceGetClockInfo", handle, pynvml.NVML_CLOCK_SM, key=index),
        # clock kinds share one function: the memory clock may lack where the SM clock is there
        ask("nvmlDeviceGetClockInfo", handle, pynvml.NVML_CLOCK_MEM, key=index + 1000),
        _throttle_reasons(gateway, device),
    ]


def energy_reset(device: Device, values: Values) -> Happening | None:
    """Remember the energy counter; something to tell when it went back (the driver was reloaded)."""
    energy_mj = values[QUICK_METRICS.index("gpu_energy_joules_total")]
    before, device.energy_mj = device.energy_mj, energy_mj if energy_mj is not None else device.energy_mj
    if energy_mj is None or before is None or energy_mj >= before:
        return None
    return Happening(
        "energy_reset", device.uuid, {"before_joules": before / 1000, "after_joules": energy_mj / 1000}
    )


def _temperature(gateway: Gateway, device: Device) -> int | None:
    # the first is marked deprecated since driver 570
    ask, handle, index = gateway.ask, device.handle, device.index
    celsius = ask("nvmlDeviceGetTemperature", handle, pynvml.NVML_TEMPERATURE_GPU, key=index)
    if celsius is None:
        celsius = ask("nvmlDeviceGetTemperatureV", handle, pynvml.NVML_TEMPERATURE_GPU, key=index)
    return celsius


def _throttle_reasons(gateway: Gateway, device: Device) -> int | None:
    # the same bits under the newer name (driver 535 and up) and the older one
    ask, handle, index = gateway.ask, device.handle, device.index
    bits = ask("nvmlDeviceGetCurrentClocksEventReasons", handle, key=index)
    if bits is None:
        bits = ask("nvmlDeviceGetCurrentClocksThrottleReasons", handle, key=index)
    return bits
