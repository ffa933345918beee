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
    """Where the samples of one rank's steps stand. An epoch has count // batch_size steps; what is left over
    waits for another epoch's order, so every step averages over exactly batch_size samples.
    """

    def __init__(self, seed: int, count: int, batch_size: int, rank: int, ranks: int) -> None:
        self.steps_per_epoch = count // batch_size
        self.count = count
        self._seed, self._batch_size = seed, batch_size
        self._first = batch_size * rank // ranks
        self._last = batch_size * (rank + 1) // ranks

    @property
    def share(self) -> int:
        """Samples of a batch that this rank works on."""
        return self._last - self._first

    def place(self, step: int) -> tuple[int, int, int]:
        """(epoch, first, last) of `step`, counted from 0 over the run: this rank's samples are those at
        first..last-1 of the epoch's order."""
        epoch, within = divmod(step, self.steps_per_epoch)
        start = within * self._batch_size
        return epoch, start + self._first, start + self._last

    def of_epoch(self, epoch: int) -> torch.Tensor:
        """(count,) indices of the samples in the order of `epoch`."""
        return epoch_order(self._seed, epoch, self.count)
