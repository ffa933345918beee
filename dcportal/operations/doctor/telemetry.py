"""Readings of this host: NVML, CPU power, and whether its agent's samples arrive."""

import os
from datetime import timedelta
from pathlib import Path

from dcportal.common.clock import utcnow
from dcportal.inventory import this_host
from dcportal.inventory.models import Node
from dcportal.operations.doctor.finding import Finding, fail, ok, warn
from dcportal.setup import gpus

RAPL = Path("/sys/class/powercap")
RAPL_RULE = (
    'echo \'SUBSYSTEM=="powercap", ACTION=="add", RUN+="/bin/chmod a+r /sys%p/energy_uj"\' '
    "| sudo tee /etc/udev/rules.d/70-dcportal-rapl.rules && sudo udevadm trigger --action=add -s powercap"
)
FRESH = timedelta(seconds=15)


def nvml() -> Finding:
    found = gpus.detect()
    if found is not None:
        return ok("nvml", f"driver {found.driver}, {len(found.capabilities)} GPU(s)")
    if Path("/proc/driver/nvidia/version").exists() or has_nvidia_device():
        return fail("nvml", "an NVIDIA GPU is there, but NVML does not answer", "install the NVIDIA driver")
    return ok("nvml", "no NVIDIA GPU on this machine: CPU, memory, disk and network are watched")


def has_nvidia_device() -> bool:
    """A display or 3D controller of vendor 10de on the PCI bus."""
    for device in Path("/sys/bus/pci/devices").glob("*"):
        try:
            vendor, kind = (device / "vendor").read_text(), (device / "class").read_text()
        except OSError:
            continue
        if vendor.startswith("0x10de") and kind.startswith("0x03"):
            return True
    return False


def cpu_power() -> Finding:
    counters = sorted(RAPL.glob("intel-rapl:?/energy_uj"))
    if not counters:
        return ok("cpu power", "this machine has no RAPL counters (usual for virtual ones)")
    if all(os.access(counter, os.R_OK) for counter in counters):
        return ok("cpu power", f"{len(counters)} RAPL counter(s) readable")
    return warn("cpu power", "RAPL counters are readable by root only", RAPL_RULE)


def agent() -> Finding:
    """The agent of this host was heard a moment ago."""
    node = Node.objects.filter(machine_id=this_host.machine_id(), is_simulated=False).first()
    if node is None or node.last_seen_at is None:
        return warn("agent", "this host's agent has not been heard yet", "make run; then var/log/agent.log")
    age = utcnow() - node.last_seen_at
    if age <= FRESH or node.liveness == "live":
        return ok("agent", f"{node.name} was heard {max(0, age.seconds)} s ago")
    return warn("agent", f"{node.name} is silent since {node.last_seen_at:%Y-%m-%d %H:%M:%S} UTC", "make run")
