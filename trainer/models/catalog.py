"""Models by name. A new one is a module here, its options and name in `spec.train`."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from trainer.data.samples import Data
from trainer.models import cnn, gpt, mlp
from trainer.order import mixed_seed
from trainer.spec.train import TrainConfig

BUILDERS: dict[str, Callable[[TrainConfig, Data], nn.Module]] = {
    "mlp": mlp.build,
    "cnn": cnn.build,
    "gpt": gpt.build,
}


def build(config: TrainConfig, data: Data) -> nn.Module:
    """The configured model with the weights that the seed gives, the same on every rank."""
    torch.manual_seed(mixed_seed("weights", config.seed))
    return BUILDERS[config.model.name](config, data)


def parameter_count(model: nn.Module) -> int:
    """Numbers the model learns."""
    return sum(parameter.numel() for parameter in model.parameters())
