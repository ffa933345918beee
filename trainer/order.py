"""Which samples a rank sees at a step: a pure function of (seed, epoch, step), so that a resumed run
goes on exactly where it stopped and every number of ranks sees the same batches.
"""

from __future__ import annotations

import hashlib

import torch


def mixed_seed(*parts: object) -> int:
    """32 well-mixed bits of the parts; torch's generator looks at no more of a seed."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")


def epoch_order(seed: int, epoch: int, count: int) -> torch.Tensor:
    """(count,) int64: the order of the samples in `epoch`."""
    generator = torch.Generator().manual_seed(mixed_seed("order", seed, epoch))
    return torch.randperm(count, generator=generator)


class Order:
    """Batches of one rank. An epoch has count // batch_size steps; what is left over waits for another
    epoch's order, so every step averages over exactly batch_size samples.
    """

    def __init__(
        self, seed: int, count: int, batch_size: int, rank: int, ranks: int, device: torch.device
    ) -> None:
        self.steps_per_epoch = count // batch_size
        self._seed, self._count, self._batch_size = seed, count, batch_size
        self._first = batch_size * rank // ranks
        self._last = batch_size * (rank + 1) // ranks
        self._device = device
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)

    @property
    def share(self) -> int:
        """Samples of a batch that this rank works on."""
        return self._last - self._first

    def batch(self, step: int) -> torch.Tensor:
        """Indices of this rank's samples at `step`, counted from 0 over the whole run."""
        epoch, within = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._order = epoch_order(self._seed, epoch, self._count).to(self._device)
            self._epoch = epoch
        start = within * self._batch_size
        return self._order[start + self._first : start + self._last]


def slices(indices: torch.Tensor, parts: int) -> list[torch.Tensor]:
    """`indices` in `parts` pieces whose sizes differ by at most one."""
    count = len(indices)
    return [indices[count * part // parts : count * (part + 1) // parts] for part in range(parts)]
