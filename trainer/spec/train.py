"""Configuration of our own trainer: the `train` section of a job request.

Beside each setting stand its label, help and limits; see `fields`. Adding a field here is all that
is needed for it to appear in form, command line, TOML and OpenAPI; the loop then reads it.
"""

# ruff: noqa: RUF009 - `section` and `mapping` return dataclass fields

from dataclasses import dataclass

from trainer.spec.fields import section, setting
from trainer.spec.problems import _

MODEL_DATASETS: dict[str, tuple[str, ...]] = {
    "mlp": ("breast_cancer", "digits"),
    "cnn": ("digits",),
    "gpt": ("python_topics",),
}
MODELS = tuple(MODEL_DATASETS)
DATASETS = ("breast_cancer", "digits", "python_topics")
OPTIMISERS = ("sgd", "adam", "adamw")
SCHEDULES = ("constant", "cosine")
PRECISIONS = ("fp32", "bf16")
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class MlpConfig:
    """Multi-layer perceptron for rows of numbers."""

    hidden: tuple[int, ...] = setting(
        (128, 64),
        label=_("Hidden widths"),
        help=_("Neurons of each hidden layer, from input to output."),
        minimum=1,
        maximum=65536,
        max_items=64,
    )
    dropout: float = setting(
        0.1, label=_("Dropout"), help=_("Share of neurons left out."), minimum=0, exclusive_maximum=1
    )


@dataclass(frozen=True)
class CnnConfig:
    """Residual convolutional network for small images."""

    channels: tuple[int, ...] = setting(
        (32, 64),
        label=_("Channels"),
        help=_("Channels of each stage; every stage after the first halves the image."),
        minimum=1,
        maximum=4096,
        min_items=1,
        max_items=8,
    )
    blocks: int = setting(
        2, label=_("Blocks"), help=_("Residual blocks in each stage."), minimum=1, maximum=64
    )
    dropout: float = setting(
        0.2,
        label=_("Dropout"),
        help=_("Share of features left out before the last layer."),
        minimum=0,
        exclusive_maximum=1,
    )


@dataclass(frozen=True)
class GptConfig:
    """Character-level transformer that continues a text."""

    layers: int = setting(4, label=_("Layers"), minimum=1, maximum=256)
    heads: int = setting(4, label=_("Attention heads"), minimum=1, maximum=256)
    width: int = setting(
        128,
        label=_("Width"),
        help=_("Size of the vector of each position; a multiple of the heads."),
        minimum=1,
        maximum=65536,
    )
    context: int = setting(
        64,
        label=_("Context"),
        help=_("Characters the model looks back on."),
        unit=_("characters"),
        minimum=1,
        maximum=8192,
    )
    dropout: float = setting(
        0.1, label=_("Dropout"), help=_("Share of values left out."), minimum=0, exclusive_maximum=1
    )


@dataclass(frozen=True)
class ModelConfig:
    """Which model to train and its size."""

    name: str = setting("cnn", label=_("Model"), choices=MODELS)
    mlp: MlpConfig = section(MlpConfig, label=_("MLP"), shown_when=("train.model.name", "mlp"))
    cnn: CnnConfig = section(CnnConfig, label=_("CNN"), shown_when=("train.model.name", "cnn"))
    gpt: GptConfig = section(GptConfig, label=_("GPT"), shown_when=("train.model.name", "gpt"))


@dataclass(frozen=True)
class DatasetConfig:
    """What to learn from; all of these ship inside installed packages, nothing is downloaded."""

    name: str = setting("digits", label=_("Data set"), choices=DATASETS)
    evaluation_share: float = setting(
        0.2,
        label=_("Held back for evaluation"),
        help=_("Share of the samples that is never trained on."),
        unit=_("ratio"),
        exclusive_minimum=0,
        maximum=0.9,
    )


@dataclass(frozen=True)
class OptimiserConfig:
    """How weights move."""

    name: str = setting("adamw", label=_("Optimiser"), choices=OPTIMISERS)
    learning_rate: float = setting(
        0.0002,
        label=_("Learning rate"),
        help=_("Highest rate, reached at the end of the warm-up."),
        exclusive_minimum=0,
        maximum=100,
    )
    weight_decay: float = setting(0.01, label=_("Weight decay"), minimum=0, maximum=10)
    clip_norm: float = setting(
        1.0,
        label=_("Gradient clipping"),
        help=_("Largest length of the gradient; 0 switches clipping off."),
        minimum=0,
        maximum=1e6,
    )
    momentum: float = setting(
        0.9,
        label=_("Momentum"),
        minimum=0,
        exclusive_maximum=1,
        shown_when=("train.optimiser.name", "sgd"),
    )
    nesterov: bool = setting(
        False,
        label=_("Nesterov momentum"),
        advanced=True,
        shown_when=("train.optimiser.name", "sgd"),
    )
    beta1: float = setting(
        0.9,
        label=_("Beta 1"),
        help=_("Memory of the gradient's mean in Adam and AdamW."),
        minimum=0,
        exclusive_maximum=1,
        advanced=True,
    )
    beta2: float = setting(
        0.99,
        label=_("Beta 2"),
        help=_("Memory of the gradient's square in Adam and AdamW."),
        minimum=0,
        exclusive_maximum=1,
        advanced=True,
    )
    epsilon: float = setting(1e-8, label=_("Epsilon"), exclusive_minimum=0, maximum=1, advanced=True)


@dataclass(frozen=True)
class ScheduleConfig:
    """How the learning rate moves over the run."""

    name: str = setting("cosine", label=_("Schedule"), choices=SCHEDULES)
    warmup_steps: int = setting(
        100,
        label=_("Warm-up"),
        help=_("Steps over which the rate rises in a straight line."),
        unit=_("steps"),
        minimum=0,
        maximum=10**9,
    )
    final_ratio: float = setting(
        0.05,
        label=_("Final rate"),
        help=_("Rate at the end of the cosine as a share of the highest."),
        unit=_("ratio"),
        minimum=0,
        maximum=1,
    )


@dataclass(frozen=True)
class TrainConfig:
    """A whole training run of our own trainer."""

    model: ModelConfig = section(ModelConfig, label=_("Model"))
    dataset: DatasetConfig = section(DatasetConfig, label=_("Data set"))
    optimiser: OptimiserConfig = section(OptimiserConfig, label=_("Optimiser"))
    schedule: ScheduleConfig = section(ScheduleConfig, label=_("Learning-rate schedule"))
    batch_size: int = setting(
        64,
        label=_("Batch size"),
        help=_("Samples of one optimiser step, over all ranks together."),
        unit=_("samples"),
        minimum=1,
        maximum=10**7,
    )
    accumulation: int = setting(
        1,
        label=_("Accumulation"),
        help=_("Slices in which each rank works through its part of a batch; saves memory."),
        minimum=1,
        maximum=4096,
        advanced=True,
    )
    epochs: int = setting(120, label=_("Epochs"), help=_("Passes over the data."), minimum=1, maximum=10**6)
    steps: int | None = setting(
        None,
        label=_("Steps"),
        help=_("Optimiser steps; when given it takes the place of the epochs."),
        unit=_("steps"),
        minimum=1,
        maximum=10**9,
    )
    precision: str = setting(
        "fp32",
        label=_("Precision"),
        help=_("bf16 computes in 16-bit numbers where that is safe; weights stay 32-bit."),
        choices=PRECISIONS,
    )
    device: str = setting(
        "auto",
        label=_("Device"),
        help=_("auto takes the GPUs given to the job, and the CPU when it was given none."),
        choices=DEVICES,
        advanced=True,
    )
    compile: bool = setting(
        False,
        label=_("Compile the model"),
        help=_("torch.compile: a slow start, then faster steps on GPUs."),
        advanced=True,
    )
    seed: int = setting(
        1,
        label=_("Seed"),
        help=_("The same seed gives the same run."),
        minimum=0,
        maximum=2**31 - 1,
    )
    evaluate_every_steps: int = setting(
        100,
        label=_("Evaluate every"),
        help=_("0 evaluates only at the end."),
        unit=_("steps"),
        minimum=0,
        maximum=10**9,
    )
    evaluation_batch_size: int = setting(
        256,
        label=_("Evaluation batch size"),
        help=_("Samples each rank evaluates at once."),
        unit=_("samples"),
        minimum=1,
        maximum=10**7,
        advanced=True,
    )
    checkpoint_every_steps: int = setting(
        400,
        label=_("Checkpoint every"),
        help=_("0 saves only at the end and when asked to stop."),
        unit=_("steps"),
        minimum=0,
        maximum=10**9,
    )
    keep_checkpoints: int = setting(
        2,
        label=_("Checkpoints kept"),
        help=_("The newest ones; the best is kept besides."),
        minimum=1,
        maximum=1000,
        advanced=True,
    )
    log_every_steps: int = setting(
        10,
        label=_("Report every"),
        help=_("Steps averaged into one point of the curves; at most ten points a second are written."),
        unit=_("steps"),
        minimum=1,
        maximum=10**6,
    )
