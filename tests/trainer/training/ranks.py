"""Starts `python -m trainer run` as forked ranks and reads what they leave behind.

The ranks are forked from a server in which torch and its optimisers are loaded and nothing has run: a fresh
process needs 4 s for that, a fork 0.1 s, and a fork of pytest itself would inherit locks of torch's threads.
"""

import json
import multiprocessing
import os
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

DEADLINE_SECONDS = 60
ENGINE_VARIABLES = ("DCP_EVENTS", "DCP_CHECKPOINT_DIR", "DCP_RESUME_FROM", "DCP_GPUS", "CUDA_VISIBLE_DEVICES")
SMALL = {
    "train.model.name": "mlp",
    "train.dataset.name": "breast_cancer",
    "train.model.mlp.hidden": "[16]",
    "train.model.mlp.dropout": 0.0,
    "train.batch_size": 50,
    "train.steps": 8,
    "train.evaluate_every_steps": 4,
    "train.checkpoint_every_steps": 4,
    "train.log_every_steps": 2,
    "train.schedule.warmup_steps": 2,
    "train.optimiser.learning_rate": 0.01,
}


@dataclass(frozen=True)
class Run:
    """A finished run: exit code by rank and its folder."""

    codes: list[int]
    folder: Path

    def events(self, kind=None, rank=0):
        lines = (self.folder / "events" / f"{rank}.jsonl").read_bytes().splitlines()
        events = [json.loads(line) for line in lines]
        return [event for event in events if kind in (None, event["kind"])]

    def evaluations(self):
        return [event["metrics"] for event in self.events("eval")]

    def checkpoint(self, step):
        return self.folder / "checkpoints" / f"step-{step:010d}"

    def state(self, step):
        return torch.load(self.checkpoint(step) / "state.pt", weights_only=True)

    def log(self, rank=0):
        return (self.folder / f"{rank}.log").read_text()


class Ranks:
    """Runs below one folder of a test."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = []

    def run(self, name, count=1, settings=None, **more):
        """Run to its end; settings are added to a small MLP."""
        self.start(name, count, settings, **more)
        return self.finish(name)

    def start(self, name, count=1, settings=None, config=None, environ=None, before=None, resume=None):
        place = self.folder / name
        place.mkdir()
        file = place / "config.toml"
        file.write_text("[train]\n" if config is None else config)
        wanted = SMALL if config is None else {}
        pairs = {**wanted, **(settings or {})}
        argv = ["run", str(file), "--output", str(place)]
        argv += [part for key, value in pairs.items() for part in ("--set", f"{key}={value}")]
        argv += ["--resume", str(resume)] if resume else []
        port = free_port()
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.trainer.training.warm"])
        for rank in range(count):
            variables = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "MASTER_PORT": port}
            variables = {**variables, "MASTER_ADDR": "127.0.0.1", **(environ or {})}
            process = context.Process(target=_rank, args=(argv, variables, place / f"{rank}.log", before))
            process.start()
            self.processes.append(process)

    def finish(self, name):
        deadline = time.monotonic() + DEADLINE_SECONDS
        for process in self.processes:
            process.join(max(0.1, deadline - time.monotonic()))
        codes = [process.exitcode for process in self.processes]
        assert None not in codes, f"{name}: still running after {DEADLINE_SECONDS} s"
        self.processes = []
        return Run(codes, self.folder / name)

    def wait_for(self, name, text, rank=0):
        """Return when the events of `rank` hold `text`."""
        file = self.folder / name / "events" / f"{rank}.jsonl"
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not file.exists() or text not in file.read_text():
            assert time.monotonic() < deadline, f"{text} did not appear"
            assert any(process.is_alive() for process in self.processes)
            time.sleep(0.01)

    def kill(self):
        for process in self.processes:
            process.kill()
            process.join()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _rank(argv, variables, log, before):
    for name in ENGINE_VARIABLES:
        os.environ.pop(name, None)
    os.environ.update({name: str(value) for name, value in variables.items()})
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    if before is not None:
        before()
    from trainer.command import main

    code = main(argv)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
