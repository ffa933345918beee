"""Keeps a few programs running: starts them, restarts what dies with growing pauses, stops them in order.

Knows nothing of what they are. Called by `manage.py portal`; promises that a program it started does not
outlive it (the kernel sends SIGTERM when the supervisor dies, even by SIGKILL), and that it never signals
anything else: jobs' runners live in sessions of their own.
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

PAUSES_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
#: A program that ran this long is taken for healthy: its next death starts with the first pause again.
HEALTHY_AFTER_SECONDS = 60.0
STOP_SECONDS = 15.0
TICK_SECONDS = 0.2
LOG_BYTES = 16 * 1024 * 1024
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Program:
    """What to run. One that is not `kept` runs once: its end, whatever the code, is not mended.

    With `while_exists` it runs only as long as that file is there, and a changed file restarts it.
    """

    name: str
    command: Sequence[str]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    kept: bool = True
    while_exists: Path | None = None

    def wish(self) -> int | None:
        """None: it should not run now. Otherwise a number that changes when it should start afresh."""
        if self.while_exists is None:
            return 0
        try:
            return self.while_exists.stat().st_mtime_ns
        except OSError:
            return None


class Child:
    """One program's present process and its history of failures."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.failures = 0
        self.due_at = 0.0
        self.started_at = 0.0
        self.wish: int | None = None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, now: float) -> None:
        """Run the program in a session of its own, its output appended to its log."""
        self.program.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.program.log, "ab") as log:
            self.process = subprocess.Popen(
                self.program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.program.environment},
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self.started_at = now

    def plan_restart(self, now: float) -> float:
        """Note the failure; returns the pause in seconds before the next start."""
        if now - self.started_at >= HEALTHY_AFTER_SECONDS:
            self.failures = 0
        pause = PAUSES_SECONDS[min(self.failures, len(PAUSES_SECONDS) - 1)]
        self.failures += 1
        self.due_at = now + pause
        self.process = None
        return pause


def die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the supervisor is gone; grandchildren do not inherit this."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Supervisor:
    """Runs `programs` until SIGINT or SIGTERM; `say` tells the terminal what a person should know."""

    def __init__(
        self,
        programs: Iterable[Program],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.children = [Child(program) for program in programs]
        self.is_stopping = False
        self._say = say
        self._clock = clock

    def add(self, program: Program) -> None:
        """Start one more program with the next tick."""
        self.children.append(Child(program))

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Tick until `until` says so or a signal comes, then stop everything that was started."""
        signal.signal(signal.SIGINT, self.request_stop)
        signal.signal(signal.SIGTERM, self.request_stop)
        try:
            while not self.is_stopping and not until():
                self.tick()
                time.sleep(TICK_SECONDS)
        finally:
            self.stop()

    def request_stop(self, number: int, frame: FrameType | None) -> None:
        self.is_stopping = True

    def tick(self) -> None:
        """One look at every program: mend what died, start what is due, cut logs that grew too long."""
        now = self._clock()
        for child in self.children:
            self.look_after(child, now)
            cut_if_long(child.program.log)
        self.children = [child for child in self.children if child.due_at != float("inf")]

    def look_after(self, child: Child, now: float) -> None:
        wish = child.program.wish()
        if child.process is not None and child.wish != wish:
            end([child.process])
            child.process = None
        elif child.process is not None and child.process.poll() is not None:
            self.mend(child, child.process.returncode, now)
        elif child.process is None and wish is not None and now >= child.due_at:
            child.wish = wish
            child.start(now)

    def mend(self, child: Child, code: int, now: float) -> None:
        if not child.program.kept:
            child.due_at = float("inf")
            child.process = None
            return
        pause = child.plan_restart(now)
        self._say(
            f"{child.program.name} ended ({ending(code)}), starting it again in {pause:g} s\n"
            f"  last words in {child.program.log}: {last_line(child.program.log)}"
        )

    def stop(self) -> None:
        """SIGTERM to all, SIGKILL to what is left after the grace."""
        end([child.process for child in self.children if child.process and child.is_running])


def end(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """SIGTERM to all at once, SIGKILL to what is left after the grace."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ending(code: int) -> str:
    """Exit code or signal in words."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def last_line(log: Path) -> str:
    """The last thing a program wrote, for the terminal; empty when it wrote nothing."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")[:200]


def cut_if_long(log: Path) -> None:
    """Keep one older generation; the program goes on appending to the same, now empty file."""
    try:
        if log.stat().st_size < LOG_BYTES:
            return
        log.with_suffix(".old.log").write_bytes(log.read_bytes())
        os.truncate(log, 0)
    except FileNotFoundError:
        return
