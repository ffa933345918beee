"""Multi-layer perceptron. Letters in shapes: B samples, F features, C classes."""

from __future__ import annotations

import torch
from torch import nn

from trainer.data.samples import Data
from trainer.spec.train import TrainConfig


class Mlp(nn.Module):
    """Linear layers with ReLU and dropout between them; an image is read as one row."""

    def __init__(self, features: int, hidden: tuple[int, ...], classes: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in hidden:
            layers += [nn.Linear(features, width), nn.ReLU(), nn.Dropout(dropout)]
            features = width
        self.layers = nn.Sequential(nn.Flatten(), *layers, nn.Linear(features, classes))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:  # (B, ...) -> (B, C)
        return self.layers(inputs)


def build(config: TrainConfig, data: Data) -> nn.Module:
    """The MLP of `config.model.mlp` for `data`."""
    features = int(torch.Size(data.input_shape).numel())
    return Mlp(features, config.model.mlp.hidden, data.classes, config.model.mlp.dropout)
