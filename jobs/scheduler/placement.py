"""Where one job could run: pure arithmetic over a picture of the nodes.

Called by `policy` only. Nothing here knows the database, the clock or an engine. An accelerator is free
or it is not; it is named by UUID and `take` removes it from the picture, so it is never given twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Use(StrEnum):
    """What an accelerator is doing. Only FREE may be given out."""

    FREE = "free"
    JOB = "job"
    FOREIGN = "foreign"
    MISSING = "missing"
    RESERVED = "reserved"


@dataclass(frozen=True, slots=True)
class AcceleratorView:
    """One accelerator at the instant of the snapshot. `index` orders and is shown, nothing more."""

    uuid: str
    type: str
    index: int = 0
    use: Use = Use.FREE


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node at the instant of the snapshot. Used = allocated to live attempts. memory None = unknown.

    is_launchable: some engine can start jobs here. is_schedulable: not drained; `drain_reason` says why.
    """

    uid: str
    name: str
    is_launchable: bool = True
    is_schedulable: bool = True
    drain_reason: str = ""
    cpus_total: int = 0
    cpus_used: int = 0
    memory_total_bytes: int | None = None
    memory_used_bytes: int = 0
    accelerators: tuple[AcceleratorView, ...] = ()

    @property
    def cpus_free(self) -> int:
        return max(0, self.cpus_total - self.cpus_used)

    @property
    def memory_free_bytes(self) -> int | None:
        if self.memory_total_bytes is None:
            return None
        return max(0, self.memory_total_bytes - self.memory_used_bytes)

    @property
    def is_usable(self) -> bool:
        return self.is_launchable and self.is_schedulable


@dataclass(frozen=True, slots=True)
class Ask:
    """What one job takes, all ranks together, on a single node. cpus None = one for each rank."""

    ranks: int = 1
    gpus: int = 0
    gpu_type: str | None = None
    cpus: int | None = None
    memory_bytes: int | None = None

    @property
    def cpus_needed(self) -> int:
        return self.cpus if self.cpus is not None else self.ranks


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one job: these accelerators, so many cores and bytes of one node."""

    node_uid: str
    accelerator_uuids: tuple[str, ...]
    cpus: int
    memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is kept for the blocked job at the head: later jobs may only use what lies beyond it."""

    job_uid: str
    node_uid: str
    ask: Ask
    taken: Ask = field(default_factory=lambda: Ask(ranks=0, cpus=0))


def matching(node: NodeView, ask: Ask) -> list[AcceleratorView]:
    """Accelerators of the asked type that are there at all, busy or not, in index order."""
    fits = (a for a in node.accelerators if ask.gpu_type in (None, a.type) and a.use is not Use.MISSING)
    return sorted(fits, key=lambda a: (a.index, a.uuid))


def free(node: NodeView, ask: Ask) -> list[AcceleratorView]:
    """Accelerators of the asked type that could be given out now."""
    return [a for a in matching(node, ask) if a.use is Use.FREE]


def could_ever_hold(node: NodeView, ask: Ask) -> bool:
    """True when the node, emptied of everything, had room."""
    memory_ok = (
        ask.memory_bytes is None
        or node.memory_total_bytes is None
        or ask.memory_bytes <= node.memory_total_bytes
    )
    return len(matching(node, ask)) >= ask.gpus and node.cpus_total >= ask.cpus_needed and memory_ok


def holds_now(node: NodeView, ask: Ask) -> bool:
    """True when the node has room at this instant."""
    return lacks_nothing(shortage(node, ask))


def shortage(node: NodeView, ask: Ask) -> tuple[int, int, int]:
    """(GPUs, cores, bytes) missing on this node right now; zeros when it fits."""
    memory_free = node.memory_free_bytes
    memory = 0 if ask.memory_bytes is None or memory_free is None else ask.memory_bytes - memory_free
    return (
        max(0, ask.gpus - len(free(node, ask))),
        max(0, ask.cpus_needed - node.cpus_free),
        max(0, memory),
    )


def lacks_nothing(missing: tuple[int, int, int]) -> bool:
    return missing == (0, 0, 0)


def best(nodes: Iterable[NodeView], ask: Ask) -> NodeView | None:
    """The fitting node that leaves the fewest idle GPUs, then cores: whole nodes stay whole for others."""
    fitting = [node for node in nodes if node.is_usable and holds_now(node, ask)]
    return min(fitting, key=lambda node: _leftover(node, ask), default=None)


def _leftover(node: NodeView, ask: Ask) -> tuple[int, int, str]:
    idle = sum(a.use is Use.FREE for a in node.accelerators) - ask.gpus
    return idle, node.cpus_free - ask.cpus_needed, node.name


def nearest_to_fit(nodes: Sequence[NodeView], ask: Ask) -> NodeView | None:
    """The usable node that could hold the job when emptier, and lacks least now."""
    able = [node for node in nodes if node.is_usable and could_ever_hold(node, ask)]
    return min(able, key=lambda node: (*shortage(node, ask), node.name), default=None)


def slot_on(node: NodeView, ask: Ask) -> Slot:
    """The place `ask` gets on a node that holds it: lowest indexes first."""
    uuids = tuple(a.uuid for a in free(node, ask)[: ask.gpus])
    assert len(uuids) == ask.gpus
    return Slot(node.uid, uuids, ask.cpus_needed, ask.memory_bytes)


def take(node: NodeView, slot: Slot) -> NodeView:
    """The node as it is once `slot` is given out."""
    given = set(slot.accelerator_uuids)
    return replace(
        node,
        cpus_used=node.cpus_used + slot.cpus,
        memory_used_bytes=node.memory_used_bytes + (slot.memory_bytes or 0),
        accelerators=tuple(replace(a, use=Use.JOB) if a.uuid in given else a for a in node.accelerators),
    )


def beside(node: NodeView, reservation: Reservation) -> NodeView:
    """The node with what is reserved for the head removed, as a later job may see it.

    The head needs its full count out of the node's total; of what is free now, a later job may have only
    what the total holds beyond that count and beyond what later jobs already took.
    """
    if node.uid != reservation.node_uid:
        return node
    head, taken = reservation.ask, reservation.taken
    spare_gpus = len(matching(node, head)) - head.gpus - taken.gpus
    spare_cpus = node.cpus_total - head.cpus_needed - taken.cpus_needed
    return replace(
        node,
        cpus_used=max(node.cpus_used, node.cpus_total - max(0, spare_cpus)),
        memory_used_bytes=_memory_used_beside(node, reservation),
        accelerators=_withhold(node, head, max(0, spare_gpus)),
    )


def _memory_used_beside(node: NodeView, reservation: Reservation) -> int:
    if node.memory_total_bytes is None or reservation.ask.memory_bytes is None:
        return node.memory_used_bytes
    spare = node.memory_total_bytes - reservation.ask.memory_bytes - (reservation.taken.memory_bytes or 0)
    return max(node.memory_used_bytes, node.memory_total_bytes - max(0, spare))


def _withhold(node: NodeView, head: Ask, spare: int) -> tuple[AcceleratorView, ...]:
    if head.gpus == 0:
        return node.accelerators
    kept = {a.uuid for a in free(node, head)[spare:]}
    return tuple(replace(a, use=Use.RESERVED) if a.uuid in kept else a for a in node.accelerators)


def charged(reservation: Reservation, slot: Slot, node: NodeView) -> Reservation:
    """The reservation after a later job took `slot`: what it took of the head's kind counts."""
    if slot.node_uid != reservation.node_uid:
        return reservation
    kind = {a.uuid for a in matching(node, reservation.ask)}
    taken = reservation.taken
    more = Ask(
        ranks=0,
        gpus=taken.gpus + len(kind.intersection(slot.accelerator_uuids)),
        cpus=taken.cpus_needed + slot.cpus,
        memory_bytes=(taken.memory_bytes or 0) + (slot.memory_bytes or 0),
    )
    return replace(reservation, taken=more)
