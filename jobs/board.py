"""Free GPUs now: only those that a job could really get. Simulated and watch-only ones never count."""

from collections import Counter
from dataclasses import dataclass

from django.db.models import QuerySet

from dcportal.inventory.models import Accelerator, Node
from dcportal.inventory.models.nodes import Admission, Lifecycle
from jobs import ports
from jobs.models import AcceleratorClaim


@dataclass(frozen=True, slots=True)
class GpuType:
    """One model of GPU. `largest_block` is the most that one job could get now, on one node."""

    model: str
    total: int
    free: int
    whole_nodes: int
    largest_block: int
    most_on_a_node: int


@dataclass(frozen=True, slots=True)
class Board:
    """What can be launched on now. `foreign` GPUs are busy with processes that are no job of ours."""

    types: tuple[GpuType, ...]
    total: int
    free: int
    busy: int
    foreign: int
    largest_block: int
    most_on_a_node: int
    launchable_nodes: int
    watch_only_nodes: int
    cpu_count: int


def launchable_nodes() -> QuerySet[Node]:
    """Nodes that some engine can start jobs on, drained ones among them."""
    return Node.objects.filter(
        admission=Admission.ACCEPTED, lifecycle=Lifecycle.ACTIVE, is_simulated=False
    ).exclude(launch_engine="")


def launchable_accelerators() -> QuerySet[Accelerator]:
    """GPUs of those nodes that are plugged in."""
    return Accelerator.objects.filter(
        node__in=launchable_nodes(), missing_since__isnull=True, is_simulated=False
    ).select_related("node")


def claimed_uuids() -> set[str]:
    """Accelerators held by live attempts."""
    return set(AcceleratorClaim.objects.filter(to_at=None).values_list("accelerator_uuid", flat=True))


def free_board() -> Board:
    """The board that first page, launch form and API show."""
    accelerators = list(launchable_accelerators())
    claimed, foreign = claimed_uuids(), ports.foreign_processes()
    free = [
        gpu
        for gpu in accelerators
        if gpu.uuid not in claimed and gpu.uuid not in foreign and gpu.node.schedulable
    ]
    types = tuple(_type(model, accelerators, free) for model in sorted({gpu.model for gpu in accelerators}))
    nodes = list(launchable_nodes())
    return Board(
        types=types,
        total=len(accelerators),
        free=len(free),
        busy=sum(gpu.uuid in claimed for gpu in accelerators),
        foreign=sum(gpu.uuid in foreign and gpu.uuid not in claimed for gpu in accelerators),
        largest_block=_most(free),
        most_on_a_node=_most(accelerators),
        launchable_nodes=len(nodes),
        watch_only_nodes=Node.objects.filter(launch_engine="", is_simulated=False).count(),
        cpu_count=max((node.cpu_count or 0 for node in nodes), default=0),
    )


def _type(model: str, every: list[Accelerator], free: list[Accelerator]) -> GpuType:
    of_model = [gpu for gpu in every if gpu.model == model]
    free_of_model = [gpu for gpu in free if gpu.model == model]
    sizes = Counter(gpu.node_id for gpu in every)
    free_by_node = Counter(gpu.node_id for gpu in free_of_model)
    return GpuType(
        model=model,
        total=len(of_model),
        free=len(free_of_model),
        whole_nodes=sum(count == sizes[node] for node, count in free_by_node.items()),
        largest_block=_most(free_of_model),
        most_on_a_node=_most(of_model),
    )


def _most(accelerators: list[Accelerator]) -> int:
    return max(Counter(gpu.node_id for gpu in accelerators).values(), default=0)


def suggested_resources(board: Board, torch_sees_gpus: bool | None) -> dict[str, int]:
    """What a form starts with: min(2, free GPUs) of them with a rank each, or 2 ranks on the CPU."""
    gpus = min(2, board.largest_block) if torch_sees_gpus is not False else 0
    return {"gpus": gpus, "ranks": gpus or 2}
