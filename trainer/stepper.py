"""One optimiser step, the hot path: everything here is paid at every step, so nothing here reads a value
back from the device or talks to other ranks besides DDP's own exchange of gradients.
"""

from __future__ import annotations

import contextlib

import torch
from torch import nn
from torch.nn import functional

from trainer.batches import Batches, slices
from trainer.clipping import Clipping
from trainer.data.samples import Samples, Windows
from trainer.order import Order
from trainer.schedule import Schedule
from trainer.spec.train import TrainConfig


class Stepper:
    """Advances one model by whole steps. Losses are kept until `take_loss` reads them."""

    def __init__(
        self,
        config: TrainConfig,
        model: nn.Module,
        optimiser: torch.optim.Optimizer,
        samples: Samples | Windows,
        order: Order,
        schedule: Schedule,
        autocast: contextlib.AbstractContextManager[object],
        ranks: int,
    ) -> None:
        self._model, self._optimiser = model, optimiser
        self._batches = Batches(samples, order, samples.device)
        self._schedule, self._autocast = schedule, autocast
        self._accumulation = config.accumulation
        self._is_plain = config.accumulation == 1 and config.precision == "fp32"
        self._parameters = [each for each in model.parameters() if each.requires_grad]
        limit = config.optimiser.clip_norm
        self._clipping = Clipping(self._parameters, optimiser, limit) if limit else None
        device = self._parameters[0].device
        # DDP averages over ranks; times ranks and divided by all targets, a sum of losses becomes their mean.
        self._scale = torch.tensor(ranks / (config.batch_size * samples.targets_per_sample), device=device)
        self._targets_a_step = order.share * samples.targets_per_sample
        self._losses: list[torch.Tensor] = []
        self._targets = 0

    def advance(self, step: int) -> None:
        """Learn from batch `step`, counted from 0."""
        rate = self._schedule.rate(step)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        inputs, targets = self._batches.at(step)
        if self._is_plain:
            self._learn(inputs, targets)
        else:
            self._learn_in_slices(inputs, targets)
        if self._clipping is not None:
            self._clipping.apply()
        self._optimiser.step()
        for parameter in self._parameters:
            parameter.grad = None  # what zero_grad does, without its 8 us of hooks
        self._targets += self._targets_a_step

    def _learn(self, inputs: torch.Tensor, targets: torch.Tensor) -> None:
        logits = self._model(inputs)
        if logits.dim() > 2:
            logits, targets = logits.flatten(0, -2), targets.flatten()
        loss = functional.cross_entropy(logits, targets, reduction="sum")
        loss.backward(self._scale)
        self._losses.append(loss.detach())

    def _learn_in_slices(self, inputs: torch.Tensor, targets: torch.Tensor) -> None:
        parts = slices(len(inputs), self._accumulation)
        for number, part in enumerate(parts, start=1):
            with self._gradients_kept_apart(number < len(parts)), self._autocast:
                self._learn(inputs[part], targets[part])

    def _gradients_kept_apart(self, apart: bool) -> contextlib.AbstractContextManager[None]:
        no_sync = getattr(self._model, "no_sync", None)
        return no_sync() if apart and no_sync else contextlib.nullcontext()

    def gradient_norm(self) -> float | None:
        """Length of the newest gradient before clipping, None where clipping is off."""
        return None if self._clipping is None else self._clipping.norm()

    def take_loss(self) -> tuple[float, int]:
        """(sum of losses, number of targets) of this rank since the last call. Waits for the device."""
        taken = float(torch.stack(self._losses).double().sum()), self._targets
        self._losses.clear()
        self._targets = 0
        return taken
