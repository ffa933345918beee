"""Learning rate at a step: a straight rise, then constant or a half cosine. Pure arithmetic."""

from __future__ import annotations

import math

from trainer.spec.train import TrainConfig


class Schedule:
    """Rates of one run of `total` steps."""

    def __init__(self, config: TrainConfig, total: int) -> None:
        self._peak = config.optimiser.learning_rate
        self._warmup = min(config.schedule.warmup_steps, total)
        self._decay_steps = max(1, total - self._warmup)
        self._final_ratio = config.schedule.final_ratio if config.schedule.name == "cosine" else 1.0

    def rate(self, step: int) -> float:
        """Rate of `step`, counted from 0; the last step of a cosine has nearly the final rate."""
        if step < self._warmup:
            return self._peak * (step + 1) / self._warmup
        progress = min(1.0, (step - self._warmup) / self._decay_steps)
        fallen = (1 + math.cos(math.pi * progress)) / 2
        return self._peak * (self._final_ratio + (1 - self._final_ratio) * fallen)
