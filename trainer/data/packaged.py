"""Real data that installed packages ship; nothing is downloaded.

Files of scikit-learn are read directly: importing it for two tables costs about 2 s of CPU a rank.
A test compares them with scikit-learn's own loaders.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import torch

from trainer.data.samples import Data, Samples, Windows
from trainer.failures import InputRefused
from trainer.order import mixed_seed
from trainer.spec.train import TrainConfig


def breast_cancer(config: TrainConfig) -> Data:
    """569 tumours, 30 measurements each, malignant or benign; columns scaled by the training rows."""
    table = np.loadtxt(_file("sklearn", "datasets/data/breast_cancer.csv"), delimiter=",", skiprows=1)
    train, held = _split(table[:, :-1], table[:, -1], config.dataset.evaluation_share)
    mean, spread = train.inputs.mean(0), train.inputs.std(0)
    scaled = [Samples((part.inputs - mean) / spread, part.targets) for part in (train, held)]
    return Data(scaled[0], scaled[1], (30,), 2)


def digits(config: TrainConfig) -> Data:
    """1,797 handwritten digits of 8 x 8 pixels."""
    table = np.loadtxt(_file("sklearn", "datasets/data/digits.csv.gz"), delimiter=",")
    pixels = table[:, :-1].reshape(-1, 1, 8, 8) / 16
    train, held = _split(pixels, table[:, -1], config.dataset.evaluation_share)
    return Data(train, held, (1, 8, 8), 10)


def python_topics(config: TrainConfig) -> Data:
    """465,000 characters: the language reference that CPython's `help()` shows."""
    from pydoc_data.topics import topics

    text = "\n".join(topics[name] for name in sorted(topics))
    alphabet = {letter: number for number, letter in enumerate(sorted(set(text)))}
    tokens = torch.tensor([alphabet[letter] for letter in text])
    context = config.model.gpt.context
    cut = int(len(tokens) * (1 - config.dataset.evaluation_share))
    train = Windows(tokens[:cut], context, stride=1)
    evaluation = Windows(tokens[cut:], context, stride=context)
    return Data(train, evaluation, (context,), len(alphabet))


def _split(inputs: np.ndarray, targets: np.ndarray, share: float) -> tuple[Samples, Samples]:
    """(to train on, held back). The latter are drawn once and for all, so that runs with other seeds can
    be compared."""
    generator = torch.Generator().manual_seed(mixed_seed("split"))
    order = torch.randperm(len(targets), generator=generator)
    rows = torch.from_numpy(inputs).float()[order]
    classes = torch.from_numpy(targets).long()[order]
    held = max(1, round(len(targets) * share))
    return Samples(rows[held:], classes[held:]), Samples(rows[:held], classes[:held])


def _file(package: str, path: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        message = f"The data comes with the Python package {package}, which is not installed."
        raise InputRefused("package_missing", message, package=package)
    return Path(found.submodule_search_locations[0]) / path
