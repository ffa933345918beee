"""`control/spec.json`: everything a runner needs to know, written by the engine, read once.

Plain values only. Secrets are not in here; they come in a file of their own that the runner deletes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

VERSION = 1


class SpecUnreadable(ValueError):
    """The spec file is missing or of a version this runner does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerSpec:
    """One attempt. Paths are absolute and resolved; see `LaunchRequest` for what the fields mean.

    launch_id: differs for each launch of the same tag, for the claim. level: container level found by
    probing, `cgroup_parent` where cgroups are made. can_mask, can_unshare: bubblewrap, PID namespaces work
    here. hidden: folders the job must not see (empty where
    nothing can hide them), `readable`: what is shown of them all the same, chosen by the portal. library:
    folder that holds our `trainer` package. log_rate_bytes: a second; faster for long is dropped, counted.
    """

    job_uid: str
    attempt: int
    launch_id: str
    interpreter: str
    command: tuple[str, ...]
    is_trainer: bool = False
    code: Mapping[str, Any] = field(default_factory=dict)
    ranks: int = 1
    accelerator_uuids: tuple[str, ...] = ()
    cpus: int | None = None
    memory_bytes: int | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    dataset_path: str | None = None
    time_limit_seconds: float | None = None
    resume_from: str | None = None
    grace_seconds: float = 30.0
    run_as: str | None = None
    level: str = "sweep"
    cgroup_parent: str | None = None
    can_mask: bool = False
    can_unshare: bool = False
    hidden: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    library: str = ""
    log_cap_bytes: int = 256 * 2**20
    log_rate_bytes: int = 8 * 2**20

    @property
    def tag(self) -> str:
        return f"{self.job_uid}.{self.attempt}"

    @property
    def own_processes_only(self) -> bool:
        """True when the job gets a PID namespace: it then sees and signals no process but its own."""
        return self.can_unshare and self.level != "sweep"

    @property
    def tag_variables(self) -> dict[str, str]:
        """Environment by which every process of this attempt is recognised."""
        return {"DCP_JOB_ID": self.job_uid, "DCP_ATTEMPT": str(self.attempt)}

    def to_json(self) -> dict[str, Any]:
        return {"v": VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> "RunnerSpec":
        """Raises SpecUnreadable."""
        if value is None or value.get("v") != VERSION:
            raise SpecUnreadable("no spec of a known version")
        known = {item.name for item in fields(cls)}
        given = {name: _frozen(entry) for name, entry in value.items() if name in known}
        try:
            return cls(**given)
        except TypeError as error:
            raise SpecUnreadable(str(error)) from error


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
