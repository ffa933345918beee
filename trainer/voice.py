"""What a run says: event lines for the portal and one readable line for the log, each said once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from trainer.checkpoints import Checkpoint
from trainer.event_writer import EventWriter

LOG_EVERY_SECONDS = 2.0


class Voice:
    """Speaks for one rank. Curves, evaluations, checkpoints and log lines come from the lead only."""

    def __init__(self, writer: EventWriter, leads: bool) -> None:
        self.writer, self.leads = writer, leads
        self._next_log = 0.0

    def say(self, line: str) -> None:
        """One line in the log."""
        if self.leads:
            print(line, flush=True)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A stretch without steps: import, rendezvous, data, compile, evaluate, checkpoint."""
        began = time.monotonic()
        self.writer.write("phase", phase=name, state="begin")
        yield
        seconds = round(time.monotonic() - began, 3)
        self.writer.write("phase", phase=name, state="end", seconds=seconds)

    def steps(self, first: int, last: int, total: int, epoch: int, metrics: dict[str, float]) -> None:
        """Steps `first`..`last`, counted from 1, are done."""
        if not self.leads:
            return
        self.writer.step(first, last, metrics, total_steps=total, epoch=epoch)
        if time.monotonic() >= self._next_log or last == total:
            self._next_log = time.monotonic() + LOG_EVERY_SECONDS
            self.say(f"step {last}/{total}  epoch {epoch}  {_figures(metrics)}")

    def evaluation(self, step: int, epoch: int, metrics: dict[str, float]) -> None:
        """Figures on held-back data after `step`."""
        if self.leads:
            self.writer.write("eval", step=step, epoch=epoch, split="evaluation", metrics=metrics)
            self.say(f"evaluation at step {step}  {_figures(metrics)}")

    def checkpoint(self, saved: Checkpoint, seconds: float, is_best: bool) -> None:
        """A checkpoint is whole on disk."""
        if not self.leads:
            return
        facts = {"bytes": saved.bytes, "sha256": saved.sha256, "seconds": round(seconds, 3), "best": is_best}
        self.writer.write("checkpoint", step=saved.step, path=str(saved.folder), **facts)
        mark = " (best so far)" if is_best else ""
        self.say(f"checkpoint {saved.folder.name}, {saved.bytes / 1e6:.1f} MB in {seconds:.2f} s{mark}")

    def notice(self, code: str, message: str, **params: object) -> None:
        """Something worth knowing that stops nothing."""
        if self.leads:
            self.writer.write("notice", code=code, message=message, params=params)
            self.say(f"note: {message}")


def _figures(metrics: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in metrics.items() if value is not None)
