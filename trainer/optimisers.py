"""SGD, Adam and AdamW from the configuration, in torch's fused form, which costs the least CPU."""

from __future__ import annotations

import torch
from torch import nn

from trainer.spec.train import OptimiserConfig


def build(options: OptimiserConfig, model: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of `options`. Weight decay spares biases and norms, which have one dimension."""
    groups = [
        {"params": [each for each in model.parameters() if each.dim() > 1]},
        {"params": [each for each in model.parameters() if each.dim() <= 1], "weight_decay": 0.0},
    ]
    common = {"lr": options.learning_rate, "weight_decay": options.weight_decay, "fused": True}
    if options.name == "sgd":
        nesterov = options.nesterov and options.momentum > 0
        return torch.optim.SGD(groups, momentum=options.momentum, nesterov=nesterov, **common)
    kind = torch.optim.AdamW if options.name == "adamw" else torch.optim.Adam
    return kind(groups, betas=(options.beta1, options.beta2), eps=options.epsilon, **common)
