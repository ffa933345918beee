"""What a Python says of itself: version, torch, whether torch can use the GPUs of this machine.

`examine` runs the interpreter (6 s and 218 MiB where it imports torch), so it is called from actions and the
scheduler, never while a list is drawn. The program it runs prints one JSON line and imports nothing of ours.
"""

import json
import os
import subprocess
from functools import lru_cache
from typing import Any

TIMEOUT_SECONDS = 60.0
_OUTPUT_LIMIT = 64 * 1024
_PROGRAM = r"""
import json, platform, sys
facts = {"python": platform.python_version(), "prefix": sys.prefix, "torch": None, "cuda": None,
         "is_cuda_usable": None, "devices": [], "architectures": [], "problem": ""}
try:
    import torch
    facts["torch"], facts["cuda"] = torch.__version__, torch.version.cuda
    facts["is_cuda_usable"] = bool(torch.cuda.is_available())
    facts["architectures"] = list(torch.cuda.get_arch_list())
    for index in range(torch.cuda.device_count()):
        facts["devices"].append(torch.cuda.get_device_name(index))
        torch.ones(8, device="cuda:%d" % index).sum().item()
    if torch.version.cuda and not facts["is_cuda_usable"]:
        torch.cuda.init()
except ImportError as error:
    facts["problem"] = str(error)[:300]
except Exception as error:
    facts["is_cuda_usable"] = False
    facts["problem"] = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
print("\x1e" + json.dumps(facts))
"""


def examine(interpreter: str, timeout_seconds: float = TIMEOUT_SECONDS) -> dict[str, Any]:
    """The interpreter's facts, plus `error` ("" when it answered) and `driver` (None when unknown)."""
    try:
        done = subprocess.run(
            [interpreter, "-I", "-c", _PROGRAM],
            capture_output=True,
            timeout=timeout_seconds,
            env=_clean_environment(),
            cwd="/",
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"no answer within {timeout_seconds:.0f} s", "driver": driver_version()}
    except OSError as error:
        return {"error": error.strerror or str(error), "driver": driver_version()}
    return {**_answer(done.stdout, done.stderr, done.returncode), "driver": driver_version()}


def _answer(out: bytes, err: bytes, code: int) -> dict[str, Any]:
    line = out[-_OUTPUT_LIMIT:].decode("utf-8", "replace").rpartition("\x1e")[2]
    try:
        facts = json.loads(line)
    except ValueError:
        facts = None
    if not isinstance(facts, dict):
        words = err[-400:].decode("utf-8", "replace").replace("\x00", "").strip()
        return {"error": words.splitlines()[-1] if words else f"exit code {code}"}
    return {**facts, "error": ""}


def _clean_environment() -> dict[str, str]:
    """Nothing of the portal's own environment but what finds programs and the driver."""
    kept = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "NVIDIA_DRIVER_CAPABILITIES")
    return {name: os.environ[name] for name in kept if name in os.environ}


def driver_version() -> str | None:
    """Version of the NVIDIA driver; None where there is none or it does not answer."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:
        return None
    try:
        return str(pynvml.nvmlSystemGetDriverVersion())
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()


def remembered(interpreter: str) -> dict[str, Any]:
    """`examine`, once per interpreter and state of its file."""
    try:
        changed = os.stat(interpreter).st_mtime_ns
    except OSError:
        changed = 0
    return _examined(interpreter, changed)


@lru_cache(maxsize=64)
def _examined(interpreter: str, changed: int) -> dict[str, Any]:
    return examine(interpreter, 30.0)


def gpu_refusal(result: dict[str, Any] | None, is_trainer: bool) -> dict[str, Any] | None:
    """Why torch as examined cannot use GPUs, with both versions and the command that mends it."""
    if result is None:
        return None
    if result.get("error") or not result.get("torch"):
        words = result.get("error") or result.get("problem") or "no torch"
        return {"code": "no_torch_there", "params": {"detail": words}, "v": 1}
    if result.get("is_cuda_usable"):
        return None
    params = {
        "torch": result["torch"],
        "cuda": result.get("cuda") or "–",
        "driver": result.get("driver") or "–",
        "detail": result.get("problem", ""),
        "command": "make run TORCH=cuda" if is_trainer else "pip install --upgrade torch",
    }
    code = "torch_is_cpu_only" if result.get("cuda") is None else "torch_cannot_use_gpus"
    return {"code": code, "params": params, "v": 1}
