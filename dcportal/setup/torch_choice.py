"""Which PyTorch build fits this machine. Pure: from TORCH=auto|cpu|cuda|skip and what the driver reports."""

from dataclasses import dataclass

from dcportal.setup.gpus import Gpus

CHOICES = ("auto", "cpu", "cuda", "skip")
CUDA_13_DRIVER, CUDA_12_DRIVER = 580, 525  # oldest driver branch that runs a build against that CUDA
CUDA_13_CAPABILITY, CUDA_12_CAPABILITY = (7, 5), (5, 0)  # CUDA 13 dropped Maxwell, Pascal and Volta


@dataclass(frozen=True)
class TorchChoice:
    """`backend`: uv's name of the build (cpu, cu126, cu130), or "" for none; `reason` in one sentence."""

    backend: str
    reason: str

    @property
    def wants_gpu(self) -> bool:
        return self.backend.startswith("cu")


class UnknownChoice(ValueError):
    """TORCH holds something else than auto, cpu, cuda or skip."""


def choose(wanted: str, gpus: Gpus | None) -> TorchChoice:
    """Raises UnknownChoice."""
    if wanted not in CHOICES:
        raise UnknownChoice(f"TORCH={wanted}: write one of {', '.join(CHOICES)}")
    if wanted == "skip":
        return TorchChoice("", "TORCH=skip: nothing is installed; built-in training templates cannot run.")
    if wanted == "cpu":
        return TorchChoice("cpu", "TORCH=cpu was asked for.")
    if gpus is None:
        return without_gpu(wanted)
    return for_gpus(gpus)


def without_gpu(wanted: str) -> TorchChoice:
    if wanted == "cuda":
        return TorchChoice("cu130", "TORCH=cuda was asked for, though no NVIDIA driver answers here.")
    return TorchChoice("cpu", "No NVIDIA driver answers here.")


def for_gpus(gpus: Gpus) -> TorchChoice:
    """The newest CUDA that both the driver and the oldest GPU still run."""
    oldest = min(gpus.capabilities)
    facts = f"Driver {gpus.driver}, oldest GPU of compute capability {oldest[0]}.{oldest[1]}"
    if gpus.driver_major >= CUDA_13_DRIVER and oldest >= CUDA_13_CAPABILITY:
        return TorchChoice("cu130", f"{facts}: CUDA 13 build.")
    if gpus.driver_major >= CUDA_12_DRIVER and oldest >= CUDA_12_CAPABILITY:
        return TorchChoice("cu126", f"{facts}: CUDA 12 build.")
    return TorchChoice("cpu", f"{facts}: too old for any CUDA build (driver >= {CUDA_12_DRIVER} needed).")
