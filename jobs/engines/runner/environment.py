"""The environment a job starts with: nothing of the portal's own, the job's facts, the user's wishes.

Order of precedence, lowest first: a clean base, the user's variables, ours. The user's LD_* and PYTHON*
are kept apart so that they reach only the program inside, never a wrapper that we start.
"""

import os
import pwd
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jobs.engines.runner.folder import RunFolder
from jobs.engines.runner.spec import RunnerSpec

_PASSED_ON = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class JobEnvironment:
    """open: for every program on the way. inner: only for the final one (secrets, LD_*, PYTHON*)."""

    open: Mapping[str, str]
    inner: Mapping[str, str] = field(repr=False)

    @property
    def whole(self) -> dict[str, str]:
        return {**self.open, **self.inner}


def build(spec: RunnerSpec, folder: RunFolder, secrets: Mapping[str, str]) -> JobEnvironment:
    """Environment of the job of `spec`."""
    mine = {name: value for name, value in spec.env.items() if is_plain(name)}
    kept_in = {name: value for name, value in spec.env.items() if not is_plain(name)}
    inner = {**kept_in, **secrets, "PYTHONUNBUFFERED": "1"}
    python_path = [part for part in (str(folder.work / "lib"), inner.get("PYTHONPATH", "")) if part]
    if spec.is_trainer or (folder.work / "lib" / "trainer").exists():
        inner["PYTHONPATH"] = ":".join(python_path)
    return JobEnvironment({**_base(spec), **mine, **_facts(spec, folder), **_devices(spec)}, inner)


def is_plain(name: str) -> bool:
    """False for variables that change how any program starts: LD_* and PYTHON*."""
    return not name.startswith(("LD_", "PYTHON"))


def _base(spec: RunnerSpec) -> dict[str, str]:
    account = pwd.getpwnam(spec.run_as) if spec.run_as else pwd.getpwuid(os.getuid())
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    binaries = str(Path(spec.interpreter).parent)
    return {
        "LANG": "C.UTF-8",
        **passed,
        "HOME": account.pw_dir,
        "USER": account.pw_name,
        "LOGNAME": account.pw_name,
        "SHELL": "/bin/sh",
        "PATH": f"{binaries}:{_SYSTEM_PATH}",
    }


def _facts(spec: RunnerSpec, folder: RunFolder) -> dict[str, str]:
    threads = max(1, (spec.cpus or spec.ranks) // spec.ranks)
    facts = {
        **spec.tag_variables,
        "DCP_RUN_DIR": str(folder.work),
        "DCP_EVENTS": str(folder.work / "events"),
        "DCP_CHECKPOINT_DIR": str(folder.work / "checkpoints"),
        "DCP_ARTIFACTS_DIR": str(folder.work / "artifacts"),
        "DCP_STREAMS": str(folder.streams),
        "DCP_RANKS": str(spec.ranks),
        "OMP_NUM_THREADS": spec.env.get("OMP_NUM_THREADS", str(threads)),
        # torchrun would kill ranks 30 s after SIGTERM whatever grace was promised.
        "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": str(int(spec.grace_seconds) + 3600),
    }
    optional = {"DCP_RESUME_FROM": spec.resume_from, "DCP_DATASET_PATH": spec.dataset_path}
    return facts | {name: value for name, value in optional.items() if value}


def _devices(spec: RunnerSpec) -> dict[str, str]:
    return {
        "CUDA_VISIBLE_DEVICES": ",".join(spec.accelerator_uuids),
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    }


def single_rank() -> dict[str, str]:
    """torchrun's variables for a program that runs as the only rank, so that DDP scripts need no change."""
    return {
        "RANK": "0",
        "LOCAL_RANK": "0",
        "WORLD_SIZE": "1",
        "LOCAL_WORLD_SIZE": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(_free_port()),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
