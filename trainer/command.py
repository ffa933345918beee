"""The trainer's command line: `python -m trainer run config.toml --set train.epochs=3`.

Reading a configuration and printing help need no torch; it is imported only when a run begins.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer import failures
from trainer.event_writer import EventWriter
from trainer.failures import Failure, InputRefused
from trainer.report import rank_of, restart_of, start_heartbeat
from trainer.spec.fields import leaves
from trainer.spec.job import JobSpec
from trainer.spec.notation import as_dict, assign, from_json, from_toml
from trainer.spec.problems import Problem, SpecInvalid, in_english
from trainer.spec.train import TrainConfig
from trainer.spec.validation import parse

if TYPE_CHECKING:
    from trainer.voice import Voice

STORAGE_ERRORS = frozenset({5, 27, 28, 30, 122})
"""errno of input/output error, file too large, disk full, read-only file system, quota exceeded."""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code of the command; see `failures` for its meaning."""
    arguments = _parser().parse_args(argv)
    if arguments.command == "settings":
        return _print_settings()
    return run(arguments)


def run(arguments: argparse.Namespace) -> int:
    """Train as the arguments say and tell how it ended, by event, log line and exit code."""
    output = arguments.output or Path("trainer-runs") / f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    writer = EventWriter(
        os.environ.get("DCP_EVENTS") or str(output / "events"), rank_of(os.environ), restart_of(os.environ)
    )
    beating = start_heartbeat(writer)
    try:
        outcome = _guarded(arguments, output, writer)
    finally:
        beating.set()
    writer.close()
    return outcome


def read_config(file: Path, assignments: Sequence[str]) -> TrainConfig:
    """The `train` section of a TOML or JSON request, defaults filled in. Raises SpecInvalid.

    A file with only a `train` section will do; a whole request is checked as a whole.
    """
    text = file.read_text(encoding="utf-8", errors="surrogateescape")
    request = from_json(text) if file.suffix == ".json" else from_toml(text)
    if not isinstance(request, dict):
        raise SpecInvalid([Problem("", "wrong_type", {"expected": "table"})])
    request.setdefault("job", {"name": file.stem})
    assign(request, assignments)
    train = parse(request).train
    if train is None:
        raise SpecInvalid([Problem("/train", "required")])
    return train


def _guarded(arguments: argparse.Namespace, output: Path, writer: EventWriter) -> int:
    try:
        config = _config(arguments)
        _train(config, arguments, output, writer)
    except Failure as failure:
        return _end(writer, failure)
    except (Exception, KeyboardInterrupt) as error:
        if not _is_expected(error):
            traceback.print_exc()
        return _end(writer, named(error))
    writer.write("end", status="done", exit_code=failures.DONE, step=writer.step_done)
    return failures.DONE


def _config(arguments: argparse.Namespace) -> TrainConfig:
    file = arguments.spec or arguments.config
    try:
        return read_config(file, arguments.set)
    except OSError as error:
        raise InputRefused("config_unreadable", f"{file}: {error.strerror}", path=str(file)) from None
    except SpecInvalid as refused:
        problems = [
            {"pointer": each.pointer, "code": each.code, "params": each.params} for each in refused.problems
        ]
        message = "\n".join(in_english(each) for each in refused.problems)
        raise InputRefused("spec_invalid", message, problems=problems) from None


def _train(config: TrainConfig, arguments: argparse.Namespace, output: Path, writer: EventWriter) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    voice = _import_torch(writer)
    from trainer import session

    where = session.places(output, arguments.resume, os.environ)
    text = json.dumps(as_dict(config), sort_keys=True)
    session.train(config, hashlib.sha256(text.encode()).hexdigest(), where, voice)


def _import_torch(writer: EventWriter) -> Voice:
    began = time.monotonic()
    writer.write("phase", phase="import", state="begin")
    from trainer import session  # noqa: F401 - the 2 s of importing torch are a phase of their own
    from trainer.voice import Voice

    writer.write("phase", phase="import", state="end", seconds=round(time.monotonic() - began, 3))
    return Voice(writer, leads=writer.rank == 0)


def named(error: BaseException) -> Failure:
    """The failure behind an exception that nobody named."""
    kind, said = type(error).__name__, str(error) or type(error).__name__
    if isinstance(error, KeyboardInterrupt):
        return _failure("interrupted", "Interrupted.", 130)
    if isinstance(error, MemoryError) or kind == "OutOfMemoryError" or "can't allocate memory" in said:
        return _failure("out_of_memory", f"Out of memory: {said}", failures.OUT_OF_MEMORY)
    if isinstance(error, OSError) and error.errno in STORAGE_ERRORS:
        return _failure("storage_failed", said, failures.STORAGE_FAILED)
    if _lost_a_peer(kind, said):
        return _failure("peer_lost", f"Another rank is gone: {said}", failures.PEER_LOST)
    return _failure("exception", f"{kind}: {said}", failures.USER_ERROR, exception=kind)


def _lost_a_peer(kind: str, said: str) -> bool:
    signs = ("closed by peer", "reset by peer", "gloo", "NCCL", "Timed out waiting", "Broken pipe")
    return kind.startswith("Dist") or (kind == "RuntimeError" and any(sign in said for sign in signs))


def _failure(code: str, message: str, exit_code: int, **params: Any) -> Failure:
    failure = Failure(code, message, **params)
    failure.exit_code = exit_code
    return failure


def _is_expected(error: BaseException) -> bool:
    return isinstance(error, (KeyboardInterrupt, MemoryError)) or named(error).code in (
        "peer_lost",
        "out_of_memory",
    )


def _end(writer: EventWriter, failure: Failure) -> int:
    is_stop = failure.exit_code == failures.STOPPED
    if not is_stop:
        facts = {"code": failure.code, "params": failure.params, "exit_code": failure.exit_code}
        writer.write("error", message=failure.message, **facts)
    status = "stopped" if is_stop else "failed"
    writer.write("end", status=status, exit_code=failure.exit_code, step=writer.step_done)
    print(f"trainer: rank {writer.rank}: {failure.message}", file=sys.stderr, flush=True)
    return failure.exit_code


def _print_settings() -> int:
    for leaf in leaves(JobSpec):
        if leaf.name.startswith("train."):
            choices = f" ({', '.join(leaf.setting.choices)})" if leaf.setting.choices else ""
            print(f"{leaf.name} = {json.dumps(leaf.default)}{choices}\n    {leaf.setting.help}".rstrip())
    return failures.DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m trainer", description="Trains a model on all ranks.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("settings", help="list every setting with its default")
    train = commands.add_parser("run", help="train", epilog="Under torchrun each process is one rank.")
    source = train.add_mutually_exclusive_group(required=True)
    source.add_argument("config", nargs="?", type=Path, help="job request as TOML or JSON")
    source.add_argument("--spec", type=Path, help="the same, as the portal's engines name it")
    train.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change one setting")
    train.add_argument("--output", type=Path, help="folder for events and checkpoints outside a job")
    train.add_argument("--resume", type=Path, help="checkpoint, or a folder of them, to go on from")
    return parser
