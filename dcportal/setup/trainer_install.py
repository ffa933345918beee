"""Installs the trainer's environment while the portal is already up: `python -m dcportal.setup trainer`.

Started by the supervisor in the background and by `make test` in the foreground. Restartable after a kill:
the tools keep what they fetched, a half-installed package is found by the probe and the environment rebuilt.
"""

import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from dcportal import env
from dcportal.setup import environments, gpus, places, tool, torch_choice, trainer_status
from dcportal.setup.download_plan import Plan, plan
from dcportal.setup.progress import Progress
from dcportal.setup.torch_choice import TorchChoice
from dcportal.setup.trainer_probe import probe, torch_of
from dcportal.setup.trainer_status import TrainerStatus

#: Unpacked wheels and pip's copy, per byte of download; measured 2.9 on the CPU build (2026-11-22).
DISK_PER_DOWNLOADED_BYTE = 3.5


class Refused(Exception):
    """The installation cannot go on; `mend` is the command that helps."""

    def __init__(self, message: str, mend: str = "make run") -> None:
        super().__init__(message)
        self.mend = mend


class Journal:
    """Keeps the current status, writes it to the file and tells the terminal of each new phase."""

    def __init__(self, wanted: str, say: Callable[[str], None] = print) -> None:
        self.status = TrainerStatus(phase="choosing", wanted=wanted, started_at=time.time())
        self._say = say

    def note(self, **changes: Any) -> None:
        before = self.status.phase
        self.status = trainer_status.write(replace(self.status, **changes), now=time.time())
        if self.status.phase != before:
            self._say(f"trainer's environment: {headline(self.status)}")

    def line(self, text: str) -> None:
        self.status = replace(self.status, lines=(*self.status.lines, text)[-trainer_status.LINES_KEPT :])


def headline(status: TrainerStatus) -> str:
    """One English line for the terminal; pages have their own texts by phase."""
    if status.phase == "downloading":
        return f"downloading {megabytes(status.download_bytes)} with {status.tool} ({status.reason})"
    if status.torch is not None:
        return f"{status.phase}: torch {status.torch.version}"
    return f"{status.phase} {status.error or ''}".strip()


def megabytes(count: int | None) -> str:
    return "an unknown amount" if count is None else f"{count / 1e6:,.0f} MB"


def main(wanted: str) -> int:
    """Bring the environment up to date; 0 when it is usable or was not wanted."""
    take_signals()
    with alone() as lock:
        journal = Journal(wanted)
        try:
            bring_up(journal, wanted, lock)
        except (Refused, environments.InstallFailed, torch_choice.UnknownChoice, OSError) as error:
            mend = error.mend if isinstance(error, Refused) else "make run"
            journal.note(phase="failed", error=str(error), mend=mend)
            return 1
    return 0


def take_signals() -> None:
    """SIGTERM ends the tool, too; what it has fetched stays in its cache."""
    signal.signal(signal.SIGTERM, stop)


def stop(number: int, frame: object) -> NoReturn:
    raise SystemExit(128 + number)


@contextmanager
def alone() -> Iterator[int]:
    """Wait for another installation; a pip that outlives its killed parent holds the lock until it ends."""
    places.setup_dir().mkdir(parents=True, exist_ok=True)
    with open(places.setup_dir() / "trainer.lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("trainer's environment: another installation is under way, waiting for it", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def bring_up(journal: Journal, wanted: str, lock: int) -> None:
    if env.trainer_python() != places.python_of(places.TRAINER_VENV):
        use_external(journal)
        return
    found = gpus.detect()
    choice = torch_choice.choose(wanted, found)
    journal.note(reason=choice.reason, backend=choice.backend, driver=found and found.driver)
    if not choice.backend:
        journal.note(phase="skipped", mend="make run TORCH=auto")
        return
    if not is_current(choice):
        install(journal, choice, lock)
    conclude(journal, choice)


def use_external(journal: Journal) -> None:
    """DCP_TRAINER_PYTHON names an environment that somebody else keeps: look at it, change nothing."""
    python = env.trainer_python()
    if not python.exists():
        raise Refused(
            f"DCP_TRAINER_PYTHON={python} does not exist", mend="unset DCP_TRAINER_PYTHON; make run"
        )
    answer = probe(python)
    if answer["torch"] is None:
        raise Refused(f"{python}: {answer['problems'][0]}", mend="unset DCP_TRAINER_PYTHON; make run")
    journal.note(phase="external", torch=torch_of(answer))


def is_current(choice: TorchChoice) -> bool:
    """The stamp names these pins and this build, and the interpreter still starts."""
    try:
        stamp = json.loads(stamp_file().read_text())
    except (OSError, ValueError):
        return adopts(choice)
    return stamp == stamp_for(choice) and environments.works(places.TRAINER_VENV)


def adopts(choice: TorchChoice) -> bool:
    """An environment made by hand, or whose installer died after its last step, is taken as it is."""
    if not environments.works(places.TRAINER_VENV):
        return False
    answer = probe(places.python_of(places.TRAINER_VENV))
    torch = torch_of(answer)
    return torch is not None and (torch.cuda is not None) == choice.wants_gpu


def stamp_file() -> Path:
    return places.TRAINER_VENV / "dcportal-trainer.json"


def stamp_for(choice: TorchChoice) -> dict[str, str]:
    pins = places.fingerprint(places.TRAINER_REQUIREMENTS)
    return {"pins": pins, "backend": choice.backend}


def install(journal: Journal, choice: TorchChoice, lock: int) -> None:
    stamp_file().unlink(missing_ok=True)
    if not environments.works(places.TRAINER_VENV):
        environments.create(places.TRAINER_VENV)
    journal.note(phase="sizing")
    work = plan(places.TRAINER_VENV, places.TRAINER_REQUIREMENTS, choice.backend, portal_uv())
    refuse_full_disk(work)
    journal.note(phase="downloading", tool=work.tool, download_bytes=work.download_bytes, done_bytes=0)
    follow(journal, work, lock)
    journal.note(phase="checking")
    rebuild_if_broken(journal, work, lock)


def portal_uv() -> str | None:
    return environments.uv_of(places.PORTAL_VENV)


def refuse_full_disk(work: Plan) -> None:
    needed = int((work.download_bytes or 0) * DISK_PER_DOWNLOADED_BYTE)
    free = shutil.disk_usage(places.REPOSITORY).free
    if free < needed:
        raise Refused(f"{needed / 1e9:.1f} GB of disk needed, {free / 1e9:.1f} GB free", "make run TORCH=cpu")


def follow(journal: Journal, work: Plan, lock: int) -> None:
    """Run the plan, keep phase, bytes and last lines up to date. Raises Refused, quoting the tool."""
    scratch = fresh_scratch()
    progress = Progress(work, scratch)
    surroundings = {**os.environ, "TMPDIR": str(scratch)}
    try:
        for line in tool.lines_of(work.command, surroundings, keeps_open=lock):
            if line:
                progress.saw(line)
                journal.line(line)
            journal.note(phase=progress.phase, done_bytes=progress.done_bytes)
    except tool.Failed as error:
        raise Refused(f"{work.tool} failed: {' | '.join(journal.status.lines[-3:])}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def fresh_scratch() -> Path:
    scratch = places.setup_dir() / "download"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    return scratch


def rebuild_if_broken(journal: Journal, work: Plan, lock: int) -> None:
    """A kill in the middle of unpacking leaves packages that pip takes for whole: start over once."""
    if not probe(places.python_of(places.TRAINER_VENV))["problems"]:
        return
    environments.create(places.TRAINER_VENV)
    follow(journal, work, lock)
    journal.note(phase="checking")


def conclude(journal: Journal, choice: TorchChoice) -> None:
    journal.note(phase="checking")
    answer = probe(places.python_of(places.TRAINER_VENV))
    if answer["torch"] is None:
        raise Refused(answer["problems"][0], mend="rm -rf .venv-trainer && make run")
    stamp_file().write_text(json.dumps(stamp_for(choice)))
    journal.note(phase="ready", torch=torch_of(answer), error="", mend="")
