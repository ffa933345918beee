"""The ranks of a run and what they agree on: nccl on GPUs, gloo on CPUs, nothing at all on one rank."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist

COLLECTIVE_TIMEOUT = timedelta(minutes=5)


@dataclass(frozen=True)
class World:
    """This process among the ranks. Every method is called by all ranks at the same place."""

    rank: int
    size: int
    local_rank: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this rank writes curves, logs and checkpoints for all."""
        return self.rank == 0

    def sum(self, figures: list[float]) -> list[float]:
        """Sum of each figure over the ranks, in double precision."""
        if self.size == 1:
            return figures
        tensor = torch.tensor(figures, dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor)
        return tensor.tolist()

    def sum_counts(self, counts: torch.Tensor) -> torch.Tensor:
        """Sum of a tensor of whole numbers over the ranks, exact."""
        if self.size > 1:
            dist.all_reduce(counts)
        return counts

    def all_agree(self, flag: bool) -> bool:
        """Whether `flag` holds on every rank."""
        return self.sum([0.0 if flag else 1.0])[0] == 0.0

    def share(self, text: str) -> str:
        """The lead's text, on every rank."""
        if self.size == 1:
            return text
        held = [text]
        dist.broadcast_object_list(held, src=0, device=self.device)
        return held[0]

    def wait(self) -> None:
        """Return when every rank is here."""
        self.sum([0.0])


def join(device_type: str, environ: Mapping[str, str] = os.environ) -> World:
    """Meet the other ranks as torchrun's variables say; without them this process is the only one."""
    rank, size, local = (int(environ.get(name, fallback)) for name, fallback in _VARIABLES)
    device = torch.device(device_type, local) if device_type == "cuda" else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if size > 1:
        _stay_on_this_host(environ)
        backend = "nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=COLLECTIVE_TIMEOUT)
    return World(rank, size, local, device)


def leave(world: World) -> None:
    """Wait for the other ranks once more, so that none ends while another still needs it. Connections are
    left to the end of the process: see `__main__`."""
    with contextlib.suppress(RuntimeError):  # a rank that is gone by now has nothing more to give
        world.wait()


def _stay_on_this_host(environ: Mapping[str, str]) -> None:
    # gloo otherwise asks the resolver for the host's own name, which fails in many containers.
    if environ.get("MASTER_ADDR") in ("127.0.0.1", "localhost") and os.path.isdir("/sys/class/net/lo"):
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")


_VARIABLES = (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0"))
