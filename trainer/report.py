"""Three lines in any training script that give its job curves, progress and a clean stop.

    from trainer import report
    for step in range(steps):
        ...
        report.step(step + 1, total=steps, loss=loss.item())
        if report.stop_requested():
            save(); sys.exit(report.STOPPED)

Writes event lines to the folder in DCP_EVENTS; outside a job every call does nothing. Standard library
only, imported in under 5 ms. A heartbeat with the newest step is written every 5 s from a thread, so that
a script that is alive but stuck is seen. No call raises because reporting failed.
"""

from __future__ import annotations

import os
import threading
import time

from trainer.event_writer import EventWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

STOPPED = 75
"""Exit code of a script that stopped on request and can be resumed."""
HEARTBEAT_SECONDS = 5.0

_lock = threading.Lock()
_writer: EventWriter | None = None
_opened = False
_stop = threading.Event()
_listening = False


def step(number: int, *, total: int | None = None, epoch: int | None = None, **metrics: float) -> None:
    """Step `number` (counted from 1) is done, with any figures of it: loss, learning_rate, accuracy, ...

    `total` gives progress and time left. Faster than ten a second, steps are merged into their means.
    """
    if writer := _open():
        figures = {name: _figure(value) for name, value in metrics.items()}
        writer.step(number, number, figures, total_steps=total, epoch=epoch)


def evaluation(number: int, *, split: str = "evaluation", **metrics: float) -> None:
    """Figures measured on held-back data after step `number`."""
    if writer := _open():
        figures = {name: _figure(value) for name, value in metrics.items()}
        writer.write("eval", step=number, split=split, metrics=figures)


def checkpoint(path: str, number: int, *, sha256: str | None = None) -> None:
    """A checkpoint of step `number` is whole on disk at `path` (a file or a folder)."""
    if writer := _open():
        writer.write("checkpoint", step=number, path=str(path), bytes=_size(path), sha256=sha256)


class phase:  # noqa: N801 - reads as a verb: `with report.phase("data"):`
    """`with phase("data"): ...` tells the portal what a stretch without steps is spent on."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> phase:
        self._began = time.monotonic()
        self._write("begin")
        return self

    def __exit__(self, *_error: object) -> None:
        self._write("end", seconds=round(time.monotonic() - self._began, 3))

    def _write(self, state: str, **data: object) -> None:
        if writer := _open():
            writer.write("phase", phase=self.name, state=state, **data)


def stop_requested() -> bool:
    """Whether the job was asked to stop: save, then exit with STOPPED. Cheap enough for every step.

    The first call, from the main thread, takes over SIGTERM; before it SIGTERM ends the script as usual.
    """
    global _listening
    if not _listening and threading.current_thread() is threading.main_thread():
        import signal  # 8 ms with enum, which it pulls in

        signal.signal(signal.SIGTERM, lambda _number, _frame: _stop.set())
        _listening = True
    return _stop.is_set()


def resume_from() -> str | None:
    """Checkpoint or checkpoint folder to go on from, None for a fresh start."""
    return os.environ.get("DCP_RESUME_FROM") or None


def start_heartbeat(writer: EventWriter, every_seconds: float = HEARTBEAT_SECONDS) -> threading.Event:
    """Beat for `writer` until the returned event is set or the process ends."""
    ended = threading.Event()
    thread = threading.Thread(
        target=_beat, args=(writer, every_seconds, ended), name="heartbeat", daemon=True
    )
    thread.start()
    return ended


def _beat(writer: EventWriter, every_seconds: float, ended: threading.Event) -> None:
    while not ended.wait(every_seconds):
        writer.flush_due()
        writer.write("heartbeat", step=writer.step_done)


def _open() -> EventWriter | None:
    global _writer, _opened
    if not _opened:
        with _lock:
            _writer = _writer or _begin()
            _opened = True
    return _writer


def _begin() -> EventWriter | None:
    folder = os.environ.get("DCP_EVENTS")
    if not folder:
        return None
    try:
        writer = EventWriter(folder, rank_of(os.environ), restart_of(os.environ))
    except OSError:
        return None
    start_heartbeat(writer)
    return writer


def rank_of(environ: Mapping[str, str]) -> int:
    """Rank that torchrun gave this process, 0 without torchrun."""
    return _whole(environ.get("RANK"))


def restart_of(environ: Mapping[str, str]) -> int:
    """How often torchrun started this process again."""
    return _whole(environ.get("TORCHELASTIC_RESTART_COUNT"))


def _whole(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0


def _figure(value: object) -> float | None:
    """A number from an int, a float, a 0-d tensor or array; None where it is none."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _size(path: str) -> int | None:
    try:
        if os.path.isdir(path):
            return sum(entry.stat().st_size for entry in os.scandir(path) if entry.is_file())
        return os.stat(path).st_size
    except OSError:
        return None
