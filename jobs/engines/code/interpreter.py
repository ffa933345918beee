"""What a Python interpreter has to offer, found out by running it.

`look` is quick (no import of torch) and part of each preparation; `check_environment` imports torch and
is for the environment's own page.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.engines.code.refusal import Refused

CHECK_SECONDS = 120.0
_POINTER = "/environment/interpreter"
_LOOK = """
import importlib.util as u, json
print(json.dumps({name: u.find_spec(name) is not None for name in ("torch", "trainer")}))
"""
_CHECK = """
import json, platform, sys
found = {"python": platform.python_version(), "prefix": sys.prefix}
try:
    import torch
    found["torch"] = torch.__version__
    found["torch_cuda"] = torch.version.cuda
    found["cuda_available"] = torch.cuda.is_available()
    found["num_gpus"] = torch.cuda.device_count() if found["cuda_available"] else 0
    found["gloo"] = torch.distributed.is_available() and torch.distributed.is_gloo_available()
    found["nccl"] = torch.distributed.is_available() and torch.distributed.is_nccl_available()
except ImportError as error:
    found["torch"] = None
    found["torch_error"] = str(error)[:300]
print("\\n" + json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class EnvironmentCheck:
    """What an environment holds. None = not there or not known. torch_cuda: CUDA that torch was built for."""

    python: str
    prefix: str
    torch: str | None = None
    torch_cuda: str | None = None
    cuda_available: bool | None = None
    num_gpus: int | None = None
    gloo: bool | None = None
    nccl: bool | None = None
    torch_error: str | None = None


def check_environment(interpreter: Path, seconds: float = CHECK_SECONDS) -> EnvironmentCheck:
    """Run `interpreter` and ask it for its versions. Raises Refused within `seconds`."""
    found = _asked(interpreter, _CHECK, Path("/"), seconds)
    known: dict[str, Any] = {name: found.get(name) for name in EnvironmentCheck.__slots__}
    return EnvironmentCheck(**{**known, "python": str(known["python"]), "prefix": str(known["prefix"])})


def look(interpreter: Path, cwd: Path, seconds: float = 60.0) -> dict[str, bool]:
    """Whether the interpreter, started in `cwd`, would find `torch` and a `trainer`. Raises Refused."""
    return {name: bool(value) for name, value in _asked(interpreter, _LOOK, cwd, seconds).items()}


def check_interpreter(interpreter: Path) -> None:
    """Raise Refused when there is no program at `interpreter` that we may run."""
    if not interpreter.is_file():
        raise Refused(_POINTER, "interpreter_missing", path=str(interpreter))
    if not os.access(interpreter, os.X_OK):
        raise Refused(_POINTER, "interpreter_not_executable", path=str(interpreter))


def _asked(interpreter: Path, question: str, cwd: Path, seconds: float) -> dict[str, Any]:
    check_interpreter(interpreter)
    try:
        done = subprocess.run(
            [str(interpreter), "-c", question],
            cwd=cwd, env=_variables(os.environ), capture_output=True, timeout=seconds,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise Refused(_POINTER, "interpreter_timed_out", path=str(interpreter), seconds=seconds) from error
    except OSError as error:
        detail = error.strerror or str(error)
        raise Refused(_POINTER, "interpreter_failed", path=str(interpreter), detail=detail) from error
    return _answer(interpreter, done)


def _answer(interpreter: Path, done: "subprocess.CompletedProcess[bytes]") -> dict[str, Any]:
    """The last line: programs started at interpreter start may print before it."""
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    try:
        value = json.loads(lines[-1]) if done.returncode == 0 else None
    except (ValueError, IndexError):
        value = None
    if not isinstance(value, dict):
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()[-2:]
        raise Refused(_POINTER, "interpreter_failed", path=str(interpreter), detail=" ".join(words)[:300])
    return value


def _variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Ours would send another interpreter to the wrong libraries."""
    return {name: value for name, value in environment.items() if not name.startswith(("PYTHON", "LD_"))}
