"""Figures on held-back data, exact for any number of ranks: only sums and counts travel, and every
sample counts once, since ranks take every n-th sample without filling up.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from trainer.data.samples import Samples, Windows
from trainer.world import World

CONFUSION_CLASSES = 32
"""Up to here every pair of true and guessed class is counted, beyond only right and wrong."""


class Evaluation:
    """Measures one model on one data set, in whole batches of `batch_size` a rank."""

    def __init__(
        self, samples: Samples | Windows, classes: int, batch_size: int, autocast: object, world: World
    ) -> None:
        self._samples, self._classes, self._batch_size = samples, classes, batch_size
        self._autocast, self._world = autocast, world
        self._is_confusion = classes <= CONFUSION_CLASSES
        mine = torch.arange(world.rank, len(samples), world.size, device=world.device)
        self._batches = torch.split(mine, batch_size) if len(mine) else ()

    def measure(self, model: nn.Module) -> dict[str, float]:
        """loss (mean over targets), accuracy and, with few classes, macro_f1; all in [0, 1] but the loss."""
        model.eval()
        tally = torch.zeros(tally_size(self._classes), dtype=torch.int64, device=self._world.device)
        loss_sum = torch.zeros((), dtype=torch.float64, device=self._world.device)
        with torch.inference_mode():
            for batch in self._batches:
                loss_sum += self._measure_batch(model, batch, tally)
        model.train()
        tally = self._world.sum_counts(tally)
        [total_loss] = self._world.sum([float(loss_sum)])
        return figures(total_loss, tally)

    def _measure_batch(self, model: nn.Module, batch: torch.Tensor, tally: torch.Tensor) -> torch.Tensor:
        inputs, targets = self._samples.take(batch)
        with self._autocast:  # type: ignore[attr-defined]
            logits = model(inputs)
        logits, targets = logits.float().flatten(0, -2), targets.flatten()
        guesses = logits.argmax(-1)
        kinds = targets * self._classes + guesses if self._is_confusion else (guesses == targets).long()
        tally += torch.bincount(kinds, minlength=len(tally))
        return functional.cross_entropy(logits, targets, reduction="sum").double()


def tally_size(classes: int) -> int:
    """Cells of a tally: a confusion matrix row by row, or (wrong, right)."""
    return classes**2 if classes <= CONFUSION_CLASSES else 2


def figures(total_loss: float, tally: torch.Tensor) -> dict[str, float]:
    """Figures of a tally and the sum of the losses behind it."""
    count = int(tally.sum())
    if len(tally) == 2:
        return {"loss": total_loss / count, "accuracy": float(tally[1]) / count}
    side = math.isqrt(len(tally))
    confusion = tally.view(side, side).double()
    correct, pairs = confusion.diagonal(), confusion.sum(0) + confusion.sum(1)
    macro_f1 = (2 * correct[pairs > 0] / pairs[pairs > 0]).mean()
    accuracy = float(correct.sum()) / count
    return {"loss": total_loss / count, "accuracy": accuracy, "macro_f1": float(macro_f1)}
