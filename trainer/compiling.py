"""torch.compile with its cost where it can be seen: in a phase of its own, not in the first step."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import nn

from trainer.data.samples import Samples, Windows


def compiled(
    model: nn.Module,
    samples: Samples | Windows,
    count: int,
    autocast: contextlib.AbstractContextManager[object],
) -> Any:
    """`model` compiled for batches of `count` samples. Leaves weights and random numbers as they were."""
    faster = torch.compile(model)
    devices = [samples.device] if samples.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        inputs, _targets = samples.take(torch.arange(count, device=samples.device))
        with autocast:
            logits = faster(inputs)
        logits.float().sum().backward()
    model.zero_grad()
    return faster
