"""Progress of the trainer's environment: one JSON file that the installer writes and the first page,
`doctor` and the job form read. Replaced atomically, so a reader never sees half of it.
"""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from dcportal.setup import places

VERSION = 1
#: In order; the last four are final.
PHASES = (
    "choosing",
    "sizing",
    "downloading",
    "installing",
    "checking",
    "ready",
    "failed",
    "skipped",
    "external",
)
FINAL = frozenset(PHASES[5:])
LINES_KEPT = 12


@dataclass(frozen=True)
class Torch:
    """What `import torch` says inside the trainer's environment."""

    version: str
    cuda: str | None
    """CUDA version the build was made against; None for a CPU build."""
    gpus_usable: int
    architectures: tuple[str, ...] = ()
    problem: str = ""
    """Why GPUs that the driver shows cannot be used, in torch's own words; empty when all is well."""


@dataclass(frozen=True)
class TrainerStatus:
    """One moment of the installation. Bytes are of the download; None means not known, never 0."""

    phase: str
    wanted: str = "auto"
    backend: str = ""
    reason: str = ""
    driver: str | None = None
    tool: str = ""
    download_bytes: int | None = None
    done_bytes: int | None = None
    started_at: float | None = None
    updated_at: float | None = None
    pid: int | None = None
    lines: tuple[str, ...] = ()
    error: str = ""
    mend: str = ""
    """The command that mends a failure."""
    torch: Torch | None = field(default=None)

    @property
    def is_final(self) -> bool:
        return self.phase in FINAL

    @property
    def is_ready(self) -> bool:
        return self.torch is not None and self.phase in {"ready", "external"}

    @property
    def done_ratio(self) -> float | None:
        """Share of the download that has arrived, 0 to 1; None while either side is unknown."""
        if not self.download_bytes or self.done_bytes is None:
            return None
        return min(1.0, self.done_bytes / self.download_bytes)

    @property
    def is_interrupted(self) -> bool:
        """The installer died before it finished; the next `make run` goes on from its cache."""
        return not self.is_final and not (self.pid and is_alive(self.pid))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def path() -> Path:
    return places.setup_dir() / "trainer.json"


def read(file: Path | None = None) -> TrainerStatus | None:
    """The last status written, or None before the first installation (or under an unknown version)."""
    try:
        document = json.loads((file or path()).read_text())
    except (OSError, ValueError):
        return None
    return from_json(document)


def from_json(document: dict[str, Any]) -> TrainerStatus | None:
    if document.pop("v", None) != VERSION:
        return None
    torch = document.pop("torch", None)
    if torch is not None:
        torch = Torch(**{**torch, "architectures": tuple(torch["architectures"])})
    return TrainerStatus(**{**document, "lines": tuple(document["lines"])}, torch=torch)


def write(status: TrainerStatus, now: float, file: Path | None = None) -> TrainerStatus:
    """Store `status` with `now` (wall-clock seconds) and this process; returns what was stored."""
    stored = replace(status, updated_at=now, pid=os.getpid(), lines=status.lines[-LINES_KEPT:])
    target = file or path()
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(f".{os.getpid()}.new")
    fresh.write_text(json.dumps({"v": VERSION, **asdict(stored)}))
    fresh.replace(target)
    return stored
