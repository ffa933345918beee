"""What of a run is saved and what is put back, so that a resumed run is the same to the last bit."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from trainer import checkpoints
from trainer.checkpoints import Checkpoint
from trainer.failures import InputRefused
from trainer.order import mixed_seed
from trainer.voice import Voice
from trainer.world import World


@dataclass
class Saving:
    """Checkpoints of one run in `folder`. `best` is (name, loss on held-back data) of the best so far."""

    folder: Path
    model: nn.Module
    optimiser: torch.optim.Optimizer
    world: World
    config_hash: str
    seed: int
    keep: int
    best: tuple[str, float] | None = None
    newest: Path | None = field(default=None, init=False)

    def save(self, step: int, evaluated: dict[str, float] | None) -> tuple[Checkpoint, bool]:
        """Write a checkpoint and remove what need not be kept; (checkpoint, whether it is the best).

        `evaluated` are the figures at this very step; a step without them cannot be the best.
        """
        is_best = self._note_best(step, evaluated)
        about: dict[str, Any] = {
            "step": step,
            "ranks": self.world.size,
            "metrics": evaluated,
            "config": self.config_hash,
        }
        about["best"] = list(self.best) if self.best else None
        state = {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict(), "step": step}
        saved = checkpoints.write(self.folder, state, about, self.world)
        self.newest = saved.folder
        if self.world.leads:
            checkpoints.prune(self.folder, self.keep, self.best[0] if self.best else None)
        return saved, is_best

    def _note_best(self, step: int, evaluated: dict[str, float] | None) -> bool:
        if evaluated is None or (self.best is not None and evaluated["loss"] >= self.best[1]):
            return False
        self.best = checkpoints.name_of(step), evaluated["loss"]
        return True

    def resume(self, place: Path, voice: Voice) -> int:
        """Put the newest whole checkpoint of `place` back; its step, 0 where there is none.

        Raises StorageFailed when all are torn, InputRefused when it belongs to another model.
        """
        found = self._choose(place, voice)
        if found is None:
            voice.notice(
                "no_checkpoint", f"There is no checkpoint in {place}; starting anew.", path=str(place)
            )
            return 0
        self._restore(found)
        self.best = tuple(found.manifest["best"]) if found.manifest["best"] else None
        self._restore_random(found, voice)
        voice.say(f"resumed from {found.folder} at step {found.step}")
        return found.step

    def _choose(self, place: Path, voice: Voice) -> Checkpoint | None:
        """The lead reads and checks, the others follow, so that no two ranks resume from two places."""
        name = ""
        if self.world.leads:
            found, refused = checkpoints.newest(place)
            for reason in refused:
                voice.notice("checkpoint_torn", f"Torn checkpoint passed over: {reason}", detail=reason)
            name = str(found.folder) if found else ""
        name = self.world.share(name)
        return checkpoints.read(Path(name), verify=False) if name else None

    def _restore(self, found: Checkpoint) -> None:
        state: dict[str, Any] = found.state(self.world.device)
        try:
            self.model.load_state_dict(state["model"])
            self.optimiser.load_state_dict(state["optimiser"])
        except (RuntimeError, ValueError) as error:
            message = f"{found.folder} belongs to another model or optimiser: {str(error).splitlines()[0]}"
            raise InputRefused("checkpoint_does_not_fit", message, path=str(found.folder)) from None

    def _restore_random(self, found: Checkpoint, voice: Voice) -> None:
        state = found.random_state(self.world.rank) if found.manifest["ranks"] == self.world.size else None
        if state is not None:
            checkpoints.restore_random_state(state, self.world.device)
            return
        torch.manual_seed(mixed_seed("resumed", self.seed, self.world.rank, found.step))
        message = f"Saved with {found.manifest['ranks']} ranks, resumed with {self.world.size}."
        voice.notice("ranks_changed", message + " The data order is the same, random numbers are not.")
