"""One training run from its configuration to its exit: meets the other ranks, builds, resumes, trains."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from trainer import compiling, devices, optimisers, precision, world
from trainer.data import catalog as data_catalog
from trainer.data.samples import Data
from trainer.evaluation import Evaluation
from trainer.failures import InputRefused
from trainer.loop import Loop
from trainer.models import catalog as model_catalog
from trainer.order import Order, mixed_seed
from trainer.saving import Saving
from trainer.schedule import Schedule
from trainer.spec.train import TrainConfig
from trainer.stepper import Stepper
from trainer.stopping import StopRequest
from trainer.voice import Voice
from trainer.world import World

_kept: list[Loop] = []
"""Runs of this process, never taken apart: gloo's destructor hung in 1 of 8 runs of 2 ranks where the other
rank had gone first."""


@dataclass(frozen=True)
class Places:
    """Where a run reads and writes; `resume` is a checkpoint or a folder of them."""

    events: Path
    checkpoints: Path
    resume: Path | None


def places(output: Path, resume: Path | None, environ: Mapping[str, str]) -> Places:
    """What the engine gave the job, else folders below `output`. A process that torchrun started again
    goes on from its own checkpoints."""
    events = Path(environ.get("DCP_EVENTS") or output / "events")
    saved = Path(environ.get("DCP_CHECKPOINT_DIR") or output / "checkpoints")
    wished = resume or (Path(environ["DCP_RESUME_FROM"]) if environ.get("DCP_RESUME_FROM") else None)
    is_restart = environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"
    saved = saved.absolute()
    return Places(events, saved, saved if is_restart and saved.is_dir() else wished)


def train(config: TrainConfig, config_hash: str, where: Places, voice: Voice) -> dict[str, float]:
    """Run to the end; the last evaluation's figures. Raises `failures.Failure` for every named end."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or 1))
    device = devices.choose(config.device)
    with voice.phase("rendezvous"):
        here = world.join(device)
    stop = StopRequest()
    stop.listen()
    loop = build(config, config_hash, where, voice, here, stop)
    _kept.append(loop)
    outcome = loop.run()
    world.leave(here)
    return outcome


def build(
    config: TrainConfig, config_hash: str, where: Places, voice: Voice, here: World, stop: StopRequest
) -> Loop:
    """A loop that stands at its first step, or where its checkpoint left off."""
    with voice.phase("data"):
        data = data_catalog.load(config).to(here.device)
    _check_batch(config, here)
    raw = model_catalog.build(config, data).to(here.device)
    optimiser = optimisers.build(config.optimiser, raw)
    saving = Saving(
        where.checkpoints, raw, optimiser, here, config_hash, config.seed, config.keep_checkpoints
    )
    torch.manual_seed(mixed_seed("random", config.seed, here.rank))
    step = saving.resume(where.resume, voice) if where.resume else 0
    model = _wrapped(config, raw, data, here, voice)
    return _loop(config, data, raw, model, optimiser, saving, voice, here, stop, step)


def _loop(
    config: TrainConfig,
    data: Data,
    raw: nn.Module,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    saving: Saving,
    voice: Voice,
    here: World,
    stop: StopRequest,
    step: int,
) -> Loop:
    order = Order(config.seed, len(data.train), config.batch_size, here.rank, here.size)
    total = config.steps or config.epochs * order.steps_per_epoch
    schedule = Schedule(config, total)
    autocast = precision.autocast(config.precision, here.device)
    stepper = Stepper(config, model, optimiser, data.train, order, schedule, autocast, here.size)
    batch = config.evaluation_batch_size
    evaluation = Evaluation(data.evaluation, data.classes, batch, autocast, here)
    _introduce(config, raw, data, voice, here, total)
    return Loop(
        config, raw, stepper, schedule, evaluation, saving, voice, here, stop, total,
        order.steps_per_epoch, step,
    )  # fmt: skip


def _wrapped(config: TrainConfig, raw: nn.Module, data: Data, here: World, voice: Voice) -> nn.Module:
    model = raw
    if config.compile:
        count = config.batch_size // (here.size * config.accumulation)
        with voice.phase("compile"):
            model = compiling.compiled(
                raw, data.train, count, precision.autocast(config.precision, here.device)
            )
    if here.size == 1:
        return model
    ids = [here.device.index] if here.device.type == "cuda" else None
    return DistributedDataParallel(model, ids, forward_sync_buffers=False, gradient_as_bucket_view=True)


def _check_batch(config: TrainConfig, here: World) -> None:
    least = here.size * config.accumulation
    if config.batch_size < least:
        message = f"A batch of {config.batch_size} cannot be cut into {least} slices (ranks x accumulation)."
        raise InputRefused("batch_below_slices", message, pointer="/train/batch_size", minimum=least)


def _introduce(
    config: TrainConfig, raw: nn.Module, data: Data, voice: Voice, here: World, total: int
) -> None:
    count = model_catalog.parameter_count(raw)
    voice.say(
        f"{config.model.name} with {count:,} parameters on {config.dataset.name}: {len(data.train):,} "
        f"samples to train, {len(data.evaluation):,} to evaluate; {total:,} steps of {config.batch_size} on "
        f"{here.size} x {here.device.type}, {config.precision}"
    )
