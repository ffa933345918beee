"""CPU or GPU: what was asked for is used or refused, never quietly replaced."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import torch

from trainer.failures import InputRefused

MENDING_COMMAND = "TORCH=cuda python3 -m dcportal.setup trainer"
DRIVER_VERSION_FILE = Path("/proc/driver/nvidia/version")


def choose(wanted: str, environ: Mapping[str, str] = os.environ) -> str:
    """`cpu` or `cuda` for `wanted` (auto, cpu, cuda). Raises InputRefused for a GPU torch cannot use."""
    if not asks_for_gpu(wanted, environ):
        return "cpu"
    local_rank = int(environ.get("LOCAL_RANK", "0"))
    trouble = _trouble(local_rank)
    if trouble:
        raise _refusal(trouble)
    return "cuda"


def asks_for_gpu(wanted: str, environ: Mapping[str, str]) -> bool:
    """Whether the run is meant for GPUs. `auto` follows what the engine granted the job; by hand, outside
    any job, it takes a GPU that is there."""
    if wanted != "auto":
        return wanted == "cuda"
    granted = [environ[name] for name in ("DCP_GPUS", "CUDA_VISIBLE_DEVICES") if name in environ]
    if granted:
        return granted[0].strip() not in ("", "0" if "DCP_GPUS" in environ else "", "-1", "none")
    return torch.cuda.is_available()


def driver_version() -> str | None:
    """Version of the NVIDIA driver on this machine, None where there is none."""
    try:
        found = re.search(r"Kernel Module\D*(\d+\.[\d.]+)", DRIVER_VERSION_FILE.read_text())
    except OSError:
        return _driver_by_nvml()
    return found.group(1) if found else None


def _driver_by_nvml() -> str | None:
    import pynvml

    try:
        pynvml.nvmlInit()
        return str(pynvml.nvmlSystemGetDriverVersion())
    except pynvml.NVMLError:
        return None


def _trouble(local_rank: int) -> str | None:
    if torch.version.cuda is None:
        return "this build of torch has no CUDA"
    if not torch.cuda.is_available():
        return "CUDA does not start with this driver"
    if torch.cuda.device_count() <= local_rank:
        return f"rank {local_rank} has no GPU, {torch.cuda.device_count()} are visible"
    try:
        torch.ones(8, device=f"cuda:{local_rank}").sum().item()
    except RuntimeError as error:
        return str(error).splitlines()[0]
    return None


def _refusal(trouble: str) -> InputRefused:
    driver = driver_version()
    built_for = torch.version.cuda or "no CUDA"
    message = (
        f"GPUs were asked for but torch cannot use them: {trouble}. torch {torch.__version__} (built for "
        f"{built_for}), driver {driver or 'not found'}. Mend with: {MENDING_COMMAND}"
    )
    params = {"torch": torch.__version__, "cuda": torch.version.cuda, "driver": driver}
    return InputRefused("gpu_unusable", message, detail=trouble, command=MENDING_COMMAND, **params)
