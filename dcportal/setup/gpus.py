"""The NVIDIA driver and GPUs of this machine, as far as choosing a PyTorch build needs them."""

import shutil
import subprocess
from dataclasses import dataclass

QUERY = ("--query-gpu=compute_cap", "--format=csv,noheader,nounits")


@dataclass(frozen=True)
class Gpus:
    """What the driver reports. `capabilities`: compute capability of each GPU, e.g. (9, 0)."""

    driver: str
    capabilities: tuple[tuple[int, int], ...]

    @property
    def driver_major(self) -> int:
        return int(self.driver.partition(".")[0])


def detect() -> Gpus | None:
    """NVML first, nvidia-smi where the module is missing; None where neither answers."""
    return from_nvml() or from_nvidia_smi()


def from_nvml() -> Gpus | None:
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        capabilities = tuple(tuple(pynvml.nvmlDeviceGetCudaComputeCapability(h)) for h in handles)
        return Gpus(pynvml.nvmlSystemGetDriverVersion(), capabilities) if handles else None
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()


def from_nvidia_smi() -> Gpus | None:
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    driver = ask([program, "--query-gpu=driver_version", "--format=csv,noheader"])
    capabilities = ask([program, *QUERY])
    if not driver or not capabilities:
        return None
    return Gpus(driver[0], tuple(parse_capability(line) for line in capabilities))


def ask(command: list[str]) -> list[str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except subprocess.TimeoutExpired:
        return []
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else []


def parse_capability(line: str) -> tuple[int, int]:
    major, _, minor = line.strip().partition(".")
    return int(major), int(minor or 0)
