"""Rules that join several settings of a request whose single values are already sound."""

from collections.abc import Iterator

from trainer.spec.job import SCHEMA, CodeSection, JobSpec
from trainer.spec.problems import Problem
from trainer.spec.train import MODEL_DATASETS, TrainConfig


def broken_rules(spec: JobSpec) -> list[Problem]:
    """Problems between the settings of a whole request."""
    found = [*_schema(spec), *_program(spec), *_code(spec.code), *_environment(spec), *_ranks(spec)]
    if spec.train is not None:
        found += broken_train_rules(spec.train)
        found += _slices(spec)
    return found


def broken_train_rules(train: TrainConfig) -> list[Problem]:
    """Problems between the settings of a trainer configuration."""
    return [*_dataset(train), *_heads(train)]


def _schema(spec: JobSpec) -> Iterator[Problem]:
    if spec.schema != SCHEMA:
        yield Problem("/schema", "unsupported_schema", {"supported": SCHEMA})


def _program(spec: JobSpec) -> Iterator[Problem]:
    if spec.command is None and spec.train is None:
        yield Problem("/command", "command_or_train")
    if spec.command is not None and spec.train is not None:
        yield Problem("/command", "command_and_train")


def _code(code: CodeSection) -> Iterator[Problem]:
    given = [name for name in ("path", "git", "upload") if getattr(code, name) is not None]
    for name in given[1:]:
        yield Problem(f"/code/{name}", "exclusive", {"other": f"code.{given[0]}"})
    if code.commit is not None and code.git is None:
        yield Problem("/code/commit", "needs", {"other": "code.git"})


def _environment(spec: JobSpec) -> Iterator[Problem]:
    if spec.environment.ref is not None and spec.environment.interpreter is not None:
        yield Problem("/environment/interpreter", "exclusive", {"other": "environment.ref"})


def _ranks(spec: JobSpec) -> Iterator[Problem]:
    ranks, gpus = spec.resources.ranks, spec.resources.gpus
    if 0 < gpus < ranks:
        yield Problem("/resources/ranks", "more_ranks_than_gpus", {"ranks": ranks, "gpus": gpus})
    if spec.resources.gpu_type is not None and gpus == 0:
        yield Problem("/resources/gpu_type", "needs", {"other": "resources.gpus"})


def _slices(spec: JobSpec) -> Iterator[Problem]:
    assert spec.train is not None
    least = spec.resources.ranks * spec.train.accumulation
    if spec.train.batch_size < least:
        yield Problem("/train/batch_size", "batch_below_slices", {"minimum": least})
    if spec.train.device == "cuda" and spec.resources.gpus == 0:
        yield Problem("/train/device", "needs", {"other": "resources.gpus"})


def _dataset(train: TrainConfig) -> Iterator[Problem]:
    choices = MODEL_DATASETS[train.model.name]
    if train.dataset.name not in choices:
        params = {"model": train.model.name, "choices": list(choices)}
        yield Problem("/train/dataset/name", "dataset_does_not_fit", params)


def _heads(train: TrainConfig) -> Iterator[Problem]:
    if train.model.gpt.width % train.model.gpt.heads:
        params = {"divisor": train.model.gpt.heads}
        yield Problem("/train/model/gpt/width", "does_not_divide", params)
