"""What a node says of itself at hello, as the inventory reads it, and what it is answered.

`monitoring.protocol.Hello` has this form; the inventory stands below monitoring and so names only
the attributes it reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class AcceleratorFacts(Protocol):
    """What does not change while an accelerator stays in its slot; unknown is None."""

    @property
    def uuid(self) -> str: ...
    @property
    def index(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def vendor(self) -> str: ...
    @property
    def memory_total_bytes(self) -> int | None: ...
    @property
    def pci_bus_id(self) -> str | None: ...
    @property
    def power_limit_watts(self) -> float | None: ...
    @property
    def compute_capability(self) -> str | None: ...


class NodeFacts(Protocol):
    """Facts of a machine; the ones not named here are kept as they come."""

    @property
    def hostname(self) -> str: ...
    @property
    def machine_id(self) -> str: ...
    @property
    def boot_id(self) -> str: ...
    @property
    def threads(self) -> int | None: ...
    @property
    def memory_total_bytes(self) -> int | None: ...
    @property
    def accelerators(self) -> Sequence[AcceleratorFacts]: ...


class Introduction(Protocol):
    """One hello of one node."""

    @property
    def agent_version(self) -> str: ...
    @property
    def collector(self) -> str: ...
    @property
    def node_uid(self) -> str | None: ...
    @property
    def facts(self) -> NodeFacts: ...


@dataclass(frozen=True, slots=True)
class HelloResult:
    """The answer. `code` is `accepted`, `token_refused` or `node_refused` (params: `why`, a code).

    `accelerators` maps the UUID of each accelerator that is the node's to its uid; one that is live
    on another node at this moment is left out.
    """

    accepted: bool
    code: str = "accepted"
    params: dict[str, Any] = field(default_factory=dict)
    node_uid: str | None = None
    node_name: str | None = None
    admission: str | None = None
    is_simulated: bool = False
    accelerators: dict[str, str] = field(default_factory=dict)
