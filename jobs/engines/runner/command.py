"""From the command as the user wrote it to the argv that is started.

- `python train.py ...`, `train.py ...`, `-m package ...`: a Python program. On one rank it is started
  plainly; on more, torchrun starts it once a rank.
- anything else (`torchrun ...`, `bash run.sh`, `accelerate launch ...`, a binary): started once, as
  written; DCP_RANKS tells it how many ranks were asked for.
`python` and `torchrun` mean those of the job's environment. Arguments never pass through a shell.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PYTHON = re.compile(r"python(3(\.\d+)?)?\Z")
# Started by torchrun in place of the program: gives each rank a pipe of its own into the log.
_OWN_PIPE = ("/bin/sh", "-c", 'exec "$@" >"$DCP_STREAMS/$LOCAL_RANK" 2>&1', "rank")
# Modules that start ranks themselves; under torchrun they would start ranks of ranks.
_LAUNCHER_MODULES = {
    "torch.distributed.run",
    "torch.distributed.launch",
    "accelerate.commands.launch",
    "deepspeed.launcher.runner",
}


@dataclass(frozen=True, slots=True)
class Launch:
    """argv to start, and the same for a person at a terminal. `uses_torchrun`: ours starts the ranks,
    each with a log of its own. `is_rank`: the program is itself the only rank."""

    argv: tuple[str, ...]
    by_hand: tuple[str, ...]
    uses_torchrun: bool = False
    is_rank: bool = False


def plan(command: Sequence[str], interpreter: Path | str, ranks: int) -> Launch:
    """What to start for `command` on `ranks` ranks. Raises ValueError when the command is empty."""
    if not command:
        raise ValueError("empty command")
    python = interpreter_of(command, interpreter)
    program = python_program(command)
    if program is None:
        argv = _with_own_torchrun(command, python)
        return Launch(argv, argv)
    argv = (python, *program)
    if ranks == 1 or starts_ranks_itself(program):
        return Launch(argv, argv, is_rank=not starts_ranks_itself(program))
    torchrun = _torchrun(python, ranks)
    return Launch((*torchrun, *_OWN_PIPE, *argv), (*torchrun, *argv), uses_torchrun=True)


def interpreter_of(command: Sequence[str], default: Path | str) -> str:
    """The python that runs the command: one written with its path, else that of the environment."""
    return command[0] if _is_path_of_python(command[0]) else str(default)


def python_program(command: Sequence[str]) -> tuple[str, ...] | None:
    """What stands behind the interpreter (`train.py --lr 1`), None when this is no Python program."""
    first = command[0]
    if _PYTHON.match(first) or _is_path_of_python(first):
        return tuple(command[1:])
    if first == "-m" or first.endswith(".py"):
        return tuple(command)
    return None


def _is_path_of_python(word: str) -> bool:
    return "/" in word and _PYTHON.match(os.path.basename(word)) is not None


def starts_ranks_itself(program: Sequence[str]) -> bool:
    """True for `-m torch.distributed.run` and its like."""
    return len(program) > 1 and program[0] == "-m" and program[1] in _LAUNCHER_MODULES


def _with_own_torchrun(command: Sequence[str], python: str) -> tuple[str, ...]:
    if os.path.basename(command[0]) == "torchrun" and "/" not in command[0]:
        return (python, "-m", "torch.distributed.run", *command[1:])
    return tuple(command)


def _torchrun(python: str, ranks: int) -> tuple[str, ...]:
    """torchrun on a free port of this machine. Retries are the portal's business, so no restarts here."""
    return (
        python,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--local_addr=127.0.0.1",
        f"--nproc_per_node={ranks}",
        "--max_restarts=0",
        "--no_python",
    )
