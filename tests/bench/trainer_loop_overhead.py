"""trainer/overhead_*: what our loop costs besides forward, backward and optimiser step, in CPU per step.

    python tests/bench/trainer_loop_overhead.py [--blocks 120] [--ranks 1] [--model mlp]

Three loops over the same model, data, optimiser (fused AdamW) and batch take turns in one process, in
shuffled order, block by block:
- core: forward, loss, backward, optimiser step and gradients dropped, on one batch that never changes;
- ours: the loop as it runs in a job, with event lines, log, data order, schedule, clipping, requests
  to stop, NaN check;
- hand: what one writes for torchrun: index by a permutation, LambdaLR, clipping, and every ten steps the loss
  joined over the ranks, printed and written as a JSON line.
A figure is the median over the blocks of (ours - core), beside it the 95 % interval of it; the peer is
(hand - core) of the same blocks. CPU is user + system time of the whole process, all threads.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
GOALS_MS = {"mlp": 0.15, "cnn": 0.3, "gpt": 0.3}
STEPS_A_BLOCK = {"mlp": 50, "cnn": 10, "gpt": 10}
SETTINGS = {
    "mlp": {"model": {"name": "mlp"}, "dataset": {"name": "breast_cancer"}, "batch_size": 64},
    "cnn": {"model": {"name": "cnn", "cnn": {"channels": [8, 16]}}, "batch_size": 8},
    "gpt": {
        "model": {"name": "gpt", "gpt": {"layers": 2, "width": 64, "context": 16}},
        "dataset": {"name": "python_topics"},
        "batch_size": 4,
    },
}  # small batches: the loop's own cost does not depend on them, the noise around it does


def main() -> int:
    """Measure here where torch is, else in the trainer's environment."""
    arguments = _arguments()
    if "DCP_BENCH_RANK" in os.environ:
        return measure(arguments)
    python = os.environ.get("DCP_TRAINER_PYTHON", str(ROOT / ".venv-trainer" / "bin" / "python"))
    for model in [arguments.model] if arguments.model else list(GOALS_MS):
        start_ranks(python, model, arguments)
    return 0


def start_ranks(python: str, model: str, arguments: argparse.Namespace) -> None:
    """One process a rank, as torchrun would start them."""
    argv = [python, __file__, "--model", model, "--blocks", str(arguments.blocks)]
    argv += ["--ranks", str(arguments.ranks)]
    shared = {"OMP_NUM_THREADS": "1", "WORLD_SIZE": str(arguments.ranks), "MASTER_ADDR": "127.0.0.1"}
    shared["MASTER_PORT"] = str(random.randint(20000, 60000))
    processes = [
        subprocess.Popen(
            argv,
            cwd=ROOT,
            env={**os.environ, **shared, "DCP_BENCH_RANK": "1", "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(arguments.ranks)
    ]
    for process in processes:
        process.wait()


def measure(arguments: argparse.Namespace) -> int:
    """Run the blocks of one model and print its row."""
    from trainer import world

    here = world.join("cpu")
    with tempfile.TemporaryDirectory() as folder:
        loops = _loops(arguments.model, here, Path(folder))
        blocks = [_block(loops, number) for number in range(-2, arguments.blocks)][2:]
    if here.leads:
        _print(arguments, blocks)
    here.wait()
    sys.stdout.flush()
    os._exit(0)


def _loops(model: str, here, folder: Path) -> dict:  # type: ignore[no-untyped-def]
    import torch

    from trainer.spec.validation import parse_train

    torch.set_num_threads(1)
    endless = {"steps": 10**8, "evaluate_every_steps": 0, "checkpoint_every_steps": 0}
    config = parse_train({**SETTINGS[model], **endless})
    steps = STEPS_A_BLOCK[model]
    return {
        "core": _core(config, here, steps),
        "ours": _ours(config, here, steps, folder),
        "hand": _hand(config, here, steps, folder),
    }


def _ours(config, here, steps: int, folder: Path):  # type: ignore[no-untyped-def]
    from trainer import session
    from trainer.event_writer import EventWriter
    from trainer.report import start_heartbeat
    from trainer.stopping import StopRequest
    from trainer.voice import Voice

    writer = EventWriter(str(folder / "events"), here.rank)
    start_heartbeat(writer)
    voice = Voice(writer, here.leads)
    log = open(os.devnull, "w")  # noqa: SIM115 - open as long as the process
    voice.say = lambda line: print(line, file=log, flush=True)  # type: ignore[method-assign]
    where = session.Places(folder / "events", folder / "checkpoints", None)
    loop = session.build(config, "", where, voice, here, StopRequest())
    session._kept.append(loop)

    def run() -> None:
        target = loop.step + steps
        while loop.step < target:
            loop.advance(min(loop.next_boundary(), target))

    return run


def _parts(config, here):  # type: ignore[no-untyped-def]
    from torch.nn.parallel import DistributedDataParallel

    from trainer import optimisers
    from trainer.data import catalog as data_catalog
    from trainer.models import catalog as model_catalog

    data = data_catalog.load(config)
    raw = model_catalog.build(config, data)
    optimiser = optimisers.build(config.optimiser, raw)
    many = here.size > 1
    model = DistributedDataParallel(raw, gradient_as_bucket_view=True) if many else raw
    return data, model, optimiser


def _core(config, here, steps: int):  # type: ignore[no-untyped-def]
    import torch
    from torch.nn import functional

    data, model, optimiser = _parts(config, here)
    share = config.batch_size // here.size
    inputs, targets = data.train.take(torch.arange(share))
    flat = targets.flatten()
    parameters = list(model.parameters())

    def run() -> None:
        for _ in range(steps):
            loss = functional.cross_entropy(model(inputs).flatten(0, -2), flat)
            loss.backward()
            optimiser.step()
            for parameter in parameters:
                parameter.grad = None

    return run


def _hand(config, here, steps: int, folder: Path):  # type: ignore[no-untyped-def]
    import torch
    import torch.distributed as dist
    from torch.nn import functional
    from torch.optim.lr_scheduler import LambdaLR

    data, model, optimiser = _parts(config, here)
    share = config.batch_size // here.size
    per_epoch = len(data.train) // config.batch_size
    scheduler = LambdaLR(optimiser, lambda step: min(1.0, (step + 1) / 100))
    log, out = open(folder / "hand.jsonl", "a"), open(os.devnull, "w")  # noqa: SIM115
    state = {"step": 0, "order": torch.empty(0)}

    def run() -> None:
        for _ in range(steps):
            within = state["step"] % per_epoch
            if within == 0:
                generator = torch.Generator().manual_seed(state["step"])
                state["order"] = torch.randperm(len(data.train), generator=generator)
            start = within * config.batch_size + here.rank * share
            inputs, targets = data.train.take(state["order"][start : start + share])
            loss = functional.cross_entropy(model(inputs).flatten(0, -2), targets.flatten())
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.optimiser.clip_norm)
            optimiser.step()
            scheduler.step()
            optimiser.zero_grad()
            state["step"] += 1
            if state["step"] % 10 == 0:
                mean = loss.detach() / here.size
                if here.size > 1:
                    dist.all_reduce(mean)
                figures = {"step": state["step"], "loss": mean.item(), "norm": norm.item()}
                log.write(json.dumps(figures) + "\n")
                log.flush()
                print(figures, file=out, flush=True)

    return run


def _block(loops: dict, number: int) -> dict[str, float]:
    names = sorted(loops)
    random.Random(number).shuffle(names)  # the same order on every rank
    cost = {}
    for name in names:
        began = time.process_time()
        loops[name]()
        cost[name] = time.process_time() - began
    return cost


def _print(arguments: argparse.Namespace, blocks: list[dict[str, float]]) -> None:
    model, steps = arguments.model, STEPS_A_BLOCK[arguments.model]
    ours = sorted((block["ours"] - block["core"]) * 1e3 / steps for block in blocks)
    hand = sorted((block["hand"] - block["core"]) * 1e3 / steps for block in blocks)
    core = statistics.median(block["core"] for block in blocks) * 1e3 / steps
    value, goal = statistics.median(ours), GOALS_MS[model]
    low, high = _interval(ours)
    mark = "ok" if value <= goal else "short"
    spread = f"{value:.3f} ms CPU a step (95 % {low:.3f}..{high:.3f}, {len(blocks)} blocks)"
    peer_low, peer_high = _interval(hand)
    peer = f"hand-written {statistics.median(hand):.3f} ({peer_low:.3f}..{peer_high:.3f}); core {core:.2f} ms"
    ranks = f"{arguments.ranks} rank{'s' if arguments.ranks > 1 else ''}"
    print(f"trainer/overhead_{model} | {spread} | <= {goal} ms | {mark} | {peer}; {ranks}", flush=True)


def _interval(values: list[float]) -> tuple[float, float]:
    """95 % interval of the median by order statistics of sorted `values`."""
    half = 0.98 * len(values) ** 0.5
    middle = len(values) / 2
    return values[max(0, int(middle - half))], values[min(len(values) - 1, int(middle + half))]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="CPU of the trainer's loop besides the arithmetic")
    parser.add_argument("--blocks", type=int, default=120)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--model", choices=sorted(GOALS_MS))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
