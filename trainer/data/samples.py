"""Data in memory, taken by index: the whole of it lies on the device, a batch is one indexing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch


@dataclass(frozen=True)
class Samples:
    """Rows with a class each. inputs: (N, ...) float32; targets: (N,) int64."""

    inputs: torch.Tensor
    targets: torch.Tensor
    targets_per_sample = 1

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def device(self) -> torch.device:
        return self.targets.device

    @property
    def bytes_taken(self) -> int:
        """Memory that all samples need when taken at once."""
        return self.inputs.nbytes + self.targets.nbytes

    def take(self, indices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and targets of the given rows."""
        return self.inputs.index_select(0, indices), self.targets.index_select(0, indices)

    def to(self, device: torch.device) -> Samples:
        return Samples(self.inputs.to(device), self.targets.to(device))


@dataclass(frozen=True)
class Windows:
    """Pieces of one long text. tokens: (L,) int64. Sample i is the window that begins at i times `stride`;
    its target is the same window one token later.
    """

    tokens: torch.Tensor
    context: int
    stride: int

    def __len__(self) -> int:
        return max(0, (len(self.tokens) - self.context - 1) // self.stride + 1)

    @property
    def targets_per_sample(self) -> int:
        return self.context

    @property
    def device(self) -> torch.device:
        return self.tokens.device

    @property
    def bytes_taken(self) -> int:
        """Memory that all samples need when taken at once."""
        return len(self) * (self.context + 1) * self.tokens.element_size()

    def take(self, indices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, context) inputs and (B, context) targets."""
        window = self._windows.index_select(0, indices)
        return window[:, :-1], window[:, 1:]

    @cached_property
    def _windows(self) -> torch.Tensor:
        """(N, context + 1) view of every window at once; takes no memory."""
        return self.tokens.unfold(0, self.context + 1, self.stride)

    def to(self, device: torch.device) -> Windows:
        return Windows(self.tokens.to(device), self.context, self.stride)


@dataclass(frozen=True)
class Data:
    """A data set ready to train on. input_shape: of one sample; classes: number of possible targets."""

    train: Samples | Windows
    evaluation: Samples | Windows
    input_shape: tuple[int, ...]
    classes: int

    def to(self, device: torch.device) -> Data:
        return Data(self.train.to(device), self.evaluation.to(device), self.input_shape, self.classes)
