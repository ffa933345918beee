"""Data sets by name. A new one is a function here and its name in `spec.train.MODEL_DATASETS`."""

from __future__ import annotations

from collections.abc import Callable

from trainer.data import packaged
from trainer.data.samples import Data
from trainer.failures import InputRefused
from trainer.spec.train import TrainConfig

LOADERS: dict[str, Callable[[TrainConfig], Data]] = {
    "breast_cancer": packaged.breast_cancer,
    "digits": packaged.digits,
    "python_topics": packaged.python_topics,
}


def load(config: TrainConfig) -> Data:
    """The configured data set, in main memory. Raises InputRefused when a batch does not fit in it."""
    data = LOADERS[config.dataset.name](config)
    if config.batch_size > len(data.train):
        message = f"A batch of {config.batch_size} does not fit in {len(data.train)} training samples."
        params = {"pointer": "/train/batch_size", "maximum": len(data.train)}
        raise InputRefused("batch_above_data", message, **params)
    if len(data.evaluation) == 0:
        message = "No sample is left for evaluation; hold back a larger share."
        raise InputRefused("no_evaluation", message, pointer="/train/dataset/evaluation_share")
    return data
