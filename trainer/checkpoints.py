"""Checkpoints that are whole or not there: written beside, synced, described by a manifest with sha256,
then renamed into place.

A checkpoint is a folder `step-<number>` holding `state.pt`, `random-<rank>.pt` of every rank and
`manifest.json`. Read with weights_only, so a foreign file can hold tensors but no code.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from trainer.failures import StorageFailed
from trainer.world import World

FORMAT = 1
MANIFEST = "manifest.json"
STATE = "state.pt"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose files are those its manifest names."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def step(self) -> int:
        return self.manifest["step"]

    @property
    def bytes(self) -> int:
        return sum(file["bytes"] for file in self.manifest["files"])

    @property
    def sha256(self) -> str:
        """Hash of `state.pt`, which holds the model and the optimiser."""
        return next(file["sha256"] for file in self.manifest["files"] if file["name"] == STATE)

    def state(self, device: torch.device) -> dict[str, Any]:
        """Model, optimiser and place in the run."""
        return torch.load(self.folder / STATE, map_location=device, weights_only=True)

    def random_state(self, rank: int) -> dict[str, Any] | None:
        """Random generators of `rank`, None where the run had fewer ranks."""
        file = self.folder / f"random-{rank}.pt"
        return torch.load(file, weights_only=True) if file.exists() else None


def write(folder: Path, state: dict[str, Any], about: dict[str, Any], world: World) -> Checkpoint:
    """Write the checkpoint of `about["step"]` below `folder`; every rank calls it together.

    Raises StorageFailed on all ranks when one of them could not write.
    """
    final = folder / name_of(about["step"])
    beside = folder / f".{final.name}.part"
    error = _attempt(lambda: _begin(beside)) if world.leads else None
    _agree(error, world)
    _agree(_attempt(lambda: _save_parts(beside, state, world)), world)
    error = _attempt(lambda: _finish(beside, final, about)) if world.leads else None
    _agree(error, world)
    return read(final, verify=False)


def name_of(step: int) -> str:
    """Folder name of the checkpoint of `step`; names sort as steps do."""
    return f"step-{step:010d}"


def read(folder: Path, verify: bool = True) -> Checkpoint:
    """The checkpoint in `folder`. Raises ValueError or OSError where it is torn or of another format."""
    manifest = json.loads((folder / MANIFEST).read_text())
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ValueError(f"{folder.name}: not a checkpoint of format {FORMAT}")
    for file in manifest["files"] if verify else ():
        if sha256_of(folder / file["name"]) != file["sha256"]:
            raise ValueError(f"{folder.name}: {file['name']} is not what was written")
    return Checkpoint(folder, manifest)


def newest(place: Path) -> tuple[Checkpoint | None, list[str]]:
    """(newest whole checkpoint, what was wrong with newer ones). `place` is a checkpoint or their folder;
    a torn checkpoint falls back to older ones beside it. Raises StorageFailed when all are torn."""
    refused: list[str] = []
    for folder in _candidates(place):
        try:
            return read(folder), refused
        except (ValueError, OSError, KeyError, TypeError) as error:
            refused.append(f"{folder.name}: {error}")
    if refused:
        message = f"No checkpoint in {place} can be read: {'; '.join(refused)}"
        raise StorageFailed("no_checkpoint_readable", message, path=str(place))
    return None, refused


def prune(folder: Path, keep: int, best: str | None) -> None:
    """Remove all but the `keep` newest checkpoints and the one named `best`."""
    for old in _folders(folder)[keep:]:
        if old.name != best:
            shutil.rmtree(old, ignore_errors=True)


def sha256_of(file: Path) -> str:
    """sha256 of a file's content, 64 hexadecimal digits."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _candidates(place: Path) -> Iterator[Path]:
    if not place.name.startswith("step-"):
        yield from _folders(place)
        return
    yield place
    yield from (folder for folder in _folders(place.parent) if folder.name < place.name)


def _folders(place: Path) -> list[Path]:
    if not place.is_dir():
        return []
    return sorted((entry for entry in place.iterdir() if entry.name.startswith("step-")), reverse=True)


def _begin(beside: Path) -> None:
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)


def _save_parts(beside: Path, state: dict[str, Any], world: World) -> None:
    if world.leads:
        _save(state, beside / STATE)
    _save(_random_state(world.device), beside / f"random-{world.rank}.pt")


def _save(content: dict[str, Any], file: Path) -> None:
    with open(file, "wb") as opened:
        torch.save(content, opened)
        opened.flush()
        os.fsync(opened.fileno())


def _finish(beside: Path, final: Path, about: dict[str, Any]) -> None:
    files = [
        {"name": file.name, "bytes": file.stat().st_size, "sha256": sha256_of(file)}
        for file in sorted(beside.iterdir())
    ]
    manifest = {"format": FORMAT, **about, "files": files}
    with open(beside / MANIFEST, "w") as opened:
        json.dump(manifest, opened, indent=1)
        opened.flush()
        os.fsync(opened.fileno())
    _sync_folder(beside)
    shutil.rmtree(final, ignore_errors=True)
    beside.rename(final)
    _sync_folder(final.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _attempt(act: Any) -> Exception | None:
    """torch.save reports a full disk as RuntimeError, everything else as OSError."""
    try:
        act()
    except (OSError, RuntimeError) as error:
        return error
    return None


def _agree(error: Exception | None, world: World) -> None:
    if not world.all_agree(error is None):
        said = str(error).splitlines()[0] if error else "another rank could not write"
        raise StorageFailed("checkpoint_failed", f"The checkpoint could not be written: {said}") from error


def _random_state(device: torch.device) -> dict[str, Any]:
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore_random_state(state: dict[str, Any], device: torch.device) -> None:
    """Put the generators of this rank back to where the checkpoint found them."""
    torch.set_rng_state(state["cpu"].cpu())
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"].cpu(), device)
