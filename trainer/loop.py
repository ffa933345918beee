"""The training loop: steps in stretches, and between two stretches everything that is not a step.

A stretch ends where a report, an evaluation, a checkpoint or the end is due. Only there are losses read
from the device, joined over the ranks, checked for NaN, and requests to stop agreed on, so that a step
itself costs no more than the arithmetic.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from torch import nn

from trainer import checkpoints
from trainer.evaluation import Evaluation
from trainer.failures import Diverged, Stopped
from trainer.saving import Saving
from trainer.schedule import Schedule
from trainer.spec.train import TrainConfig
from trainer.stepper import Stepper
from trainer.stopping import StopRequest
from trainer.voice import Voice
from trainer.world import World

STOP_WITHIN_SECONDS = 0.5
"""How long a stretch may last, so that a request to stop is seen soon; one step where steps last longer."""


@dataclass
class Loop:
    """A run from its current step to its end. `step` counts finished steps."""

    config: TrainConfig
    model: nn.Module
    stepper: Stepper
    schedule: Schedule
    evaluation: Evaluation
    saving: Saving
    voice: Voice
    world: World
    stop: StopRequest
    total: int
    steps_per_epoch: int
    step: int = 0
    _stretch: int = field(default=1, init=False)
    _evaluated: dict[str, float] | None = field(default=None, init=False)

    def run(self) -> dict[str, float]:
        """Train to the end; the last evaluation. Raises Stopped, Diverged or StorageFailed."""
        while self.step < self.total:
            self.advance(self.next_boundary())
            self._evaluate_if_due()
            self._save_if_due()
        return self._evaluated or {}

    def next_boundary(self) -> int:
        """Step at which something besides a step is due next."""
        every = (self.config.evaluate_every_steps, self.config.checkpoint_every_steps)
        due = [self.step - self.step % period + period for period in every if period]
        return min(self.step + self._stretch, self.total, *due)

    def advance(self, until: int) -> None:
        """Take the steps up to `until`, which is no further than `next_boundary`, then report them."""
        first, began = self.step, time.perf_counter()
        advance = self.stepper.advance
        for step in range(first, until):
            advance(step)
        self.step = self.voice.writer.step_done = until
        loss_sum, targets = self.stepper.take_loss()  # waits for the device, so the time below is whole
        self._report(first, loss_sum, targets, time.perf_counter() - began)

    def _report(self, first: int, loss_sum: float, targets: float, seconds: float) -> None:
        done = self.step - first
        wanted = self._wanted_stretch(seconds / done)
        mine = [loss_sum, targets, float(self.stop.is_set), float(wanted)]
        loss_sum, targets, stops, stretches = self.world.sum(mine)
        self._stretch = max(1, round(stretches / self.world.size))
        metrics = self._metrics(loss_sum / targets, done * self.config.batch_size / seconds)
        self.voice.steps(first + 1, self.step, self.total, self.epoch, metrics)
        self._check(metrics)
        if stops and self.step < self.total:
            self._leave()

    @property
    def epoch(self) -> int:
        """Pass over the data that the newest step belonged to, counted from 1."""
        return (self.step - 1) // self.steps_per_epoch + 1

    def _wanted_stretch(self, step_seconds: float) -> int:
        fitting = int(STOP_WITHIN_SECONDS / max(step_seconds, 1e-9))
        return max(1, min(self.config.log_every_steps, fitting))

    def _metrics(self, loss: float, samples_per_second: float) -> dict[str, float]:
        norm = self.stepper.gradient_norm()
        metrics = {"loss": loss, "learning_rate": self.schedule.rate(self.step - 1)}
        metrics |= {} if norm is None else {"gradient_norm": norm}
        return metrics | {"samples_per_second": samples_per_second}

    def _check(self, metrics: dict[str, float]) -> None:
        for name in ("loss", "gradient_norm"):
            if not math.isfinite(metrics.get(name, 0.0)):
                message = f"{name} is no longer a finite number at step {self.step}."
                raise Diverged("diverged", message, metric=name, step=self.step)

    def _leave(self) -> None:
        self._save()
        message = f"Stopped on request after step {self.step}; resume from {self.saving.newest}."
        raise Stopped("stopped", message, step=self.step, checkpoint=str(self.saving.newest))

    def _evaluate_if_due(self) -> None:
        self._evaluated = None
        if self._is_due(self.config.evaluate_every_steps):
            with self.voice.phase("evaluate"):
                self._evaluated = self.evaluation.measure(self.model)
            self.voice.evaluation(self.step, self.epoch, self._evaluated)

    def _save_if_due(self) -> None:
        if self._is_due(self.config.checkpoint_every_steps):
            self._save()

    def _is_due(self, period: int) -> bool:
        return self.step == self.total or (period > 0 and self.step % period == 0)

    def _save(self) -> checkpoints.Checkpoint:
        began = time.perf_counter()
        with self.voice.phase("checkpoint"):
            saved, is_best = self.saving.save(self.step, self._evaluated)
        self.voice.checkpoint(saved, time.perf_counter() - began, is_best)
        return saved
