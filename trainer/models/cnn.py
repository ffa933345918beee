"""Residual convolutional network. Letters in shapes: B samples, K channels, H W pixels, C classes."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from trainer.data.samples import Data
from trainer.spec.train import TrainConfig


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a short cut. Group norm, since its figures hold for any batch and so
    for any number of ranks; batch norm's would not."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.first_norm = _norm(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.second_norm = _norm(channels)
        same = channels_in == channels and stride == 1
        self.short_cut = nn.Identity() if same else nn.Conv2d(channels_in, channels, 1, stride)

    def forward(self, image: torch.Tensor) -> torch.Tensor:  # (B, K, H, W) -> (B, K', H', W')
        inner = functional.relu(self.first_norm(self.first(image)))
        inner = self.second_norm(self.second(inner))
        return functional.relu(inner + self.short_cut(image))


class Cnn(nn.Module):
    """Stages of blocks, an average over the image, one linear layer."""

    def __init__(
        self, channels_in: int, channels: tuple[int, ...], blocks: int, classes: int, dropout: float
    ) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for stage, width in enumerate(channels):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                stages.append(Block(channels_in, width, stride))
                channels_in = width
        self.stages = nn.Sequential(*stages)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels_in, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:  # (B, K, H, W) -> (B, C)
        features = self.stages(images).mean(dim=(2, 3))
        return self.head(self.dropout(features))


def build(config: TrainConfig, data: Data) -> nn.Module:
    """The CNN of `config.model.cnn` for `data`."""
    options = config.model.cnn
    return Cnn(data.input_shape[0], options.channels, options.blocks, data.classes, options.dropout)


def _norm(channels: int) -> nn.GroupNorm:
    groups = next(count for count in (8, 4, 2, 1) if channels % count == 0)
    return nn.GroupNorm(groups, channels)
