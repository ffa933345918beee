"""The GPUs that NVML shows: who they are, and how one table becomes the next at a re-init."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pynvml

from monitoring.agent.collectors.base import Happening, Values
from monitoring.agent.collectors.nvml.gateway import Gateway, GpuLost
from monitoring.protocol import AcceleratorFacts

KERNEL_GPUS = Path("/proc/driver/nvidia/gpus")


class Device:
    """One GPU. `lost` while it does not answer; `slow`: number of a round -> (when read, values)."""

    __slots__ = ("energy_mj", "facts", "handle", "index", "lost", "slow", "uuid", "xid_count")

    def __init__(self, index: int, handle: Any, facts: AcceleratorFacts) -> None:
        self.index = index
        self.handle = handle
        self.uuid = facts.uuid
        self.facts = facts
        self.lost = False
        self.energy_mj: int | None = None
        self.slow: dict[int, tuple[float, Values]] = {}
        self.xid_count = 0


Table = tuple[Device, ...]


def enumerate_devices(gateway: Gateway, known: Table) -> Table:
    """All GPUs of a freshly opened NVML; one that cannot be opened stays as lost if it was known."""
    count = gateway.ask("nvmlDeviceGetCount") or 0
    found = [_opened(gateway, index) for index in range(count)]
    present = {device.uuid for device in found if device}
    silent = [index for index, device in enumerate(found) if device is None]
    kept = [_still_lost(old) for old in known if old.uuid not in present and old.index in silent]
    devices = [_with_history(device, known) for device in found if device]
    return tuple(sorted(devices + kept, key=lambda device: device.index))


def differences(old: Table, new: Table) -> list[Happening]:
    """What a re-init found: GPUs that came, went, or answer again."""
    before, after = {d.uuid: d for d in old}, {d.uuid: d for d in new}
    went = [Happening("accelerator_vanished", uuid) for uuid in before if uuid not in after]
    came = [Happening("accelerator_appeared", uuid) for uuid in after if uuid not in before]
    back = [
        Happening("accelerator_back", uuid)
        for uuid, device in after.items()
        if uuid in before and before[uuid].lost and not device.lost
    ]
    return went + came + back


def kernel_count(folder: Path = KERNEL_GPUS) -> int | None:
    """How many GPUs the kernel driver has now, None where it does not say."""
    try:
        return sum(1 for _ in folder.iterdir())
    except OSError:
        return None


def _opened(gateway: Gateway, index: int) -> Device | None:
    try:
        handle = gateway.ask("nvmlDeviceGetHandleByIndex", index)
        uuid = gateway.ask("nvmlDeviceGetUUID", handle, key=index) if handle is not None else None
        return Device(index, handle, _facts(gateway, index, handle, uuid)) if uuid else None
    except GpuLost:
        return None


def _facts(gateway: Gateway, index: int, handle: Any, uuid: str) -> AcceleratorFacts:
    def ask(function: str, *args: Any) -> Any:
        return gateway.ask(function, handle, *args, key=index)

    memory, pci = ask("nvmlDeviceGetMemoryInfo"), ask("nvmlDeviceGetPciInfo")
    capability, limit_mw = ask("nvmlDeviceGetCudaComputeCapability"), ask("nvmlDeviceGetEnforcedPowerLimit")
    return AcceleratorFacts(
        uuid=uuid,
        index=index,
        name=ask("nvmlDeviceGetName") or "GPU",
        memory_total_bytes=memory.total if memory else None,
        pci_bus_id=_text(pci.busId) if pci else None,
        power_limit_watts=limit_mw / 1000 if limit_mw is not None else None,
        compute_capability="{}.{}".format(*capability) if capability else None,
        serial=ask("nvmlDeviceGetSerial"),
    )


def _text(value: bytes | str) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _with_history(device: Device, known: Table) -> Device:
    for old in known:
        if old.uuid == device.uuid:
            device.energy_mj, device.xid_count = old.energy_mj, old.xid_count
    return device


def _still_lost(old: Device) -> Device:
    device = Device(old.index, None, old.facts)
    device.lost = True
    device.energy_mj, device.xid_count = old.energy_mj, old.xid_count
    return device


def memory_info(gateway: Gateway, device: Device) -> tuple[int | None, int | None]:
    """(used, reserved) bytes; NVML's first version counts what the driver reserves as used."""
    info = gateway.ask("nvmlDeviceGetMemoryInfo", device.handle, pynvml.nvmlMemory_v2, key=device.index)
    if info is not None:
        return info.used, info.reserved
    # remembered under a name of its own, or "no v2" would also mean "no v1"
    plain = gateway.ask("nvmlDeviceGetMemoryInfo", device.handle, key=device.index + 1000)
    return (plain.used, None) if plain is not None else (None, None)
