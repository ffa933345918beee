"""The file by which the installer tells the first page how far it is."""

import json
from pathlib import Path

import pytest

from dcportal.setup import trainer_status
from dcportal.setup.trainer_status import Torch, TrainerStatus


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "setup/trainer.json"


def test_what_was_written_is_read_back(file: Path) -> None:
    torch = Torch("2.13.0+cu130", "13.0", 8, ("sm_90",))
    status = TrainerStatus("ready", backend="cu130", driver="580.95", lines=("one", "two"), torch=torch)

    stored = trainer_status.write(status, now=12.5, file=file)

    assert trainer_status.read(file) == stored
    assert stored.torch == torch
    assert stored.updated_at == 12.5
    assert stored.is_ready


def test_before_the_first_installation_there_is_no_status(file: Path) -> None:
    assert trainer_status.read(file) is None


@pytest.mark.parametrize("content", ["", "{", '{"v": 99, "phase": "ready"}'])
def test_an_unreadable_or_newer_file_counts_as_none(file: Path, content: str) -> None:
    file.parent.mkdir()
    file.write_text(content)

    assert trainer_status.read(file) is None


def test_unknown_bytes_give_no_ratio() -> None:
    assert TrainerStatus("downloading").done_ratio is None
    assert TrainerStatus("downloading", download_bytes=0, done_bytes=0).done_ratio is None
    assert TrainerStatus("downloading", download_bytes=200, done_bytes=50).done_ratio == 0.25


def test_a_dead_installer_shows_as_interrupted(file: Path) -> None:
    status = trainer_status.write(TrainerStatus("downloading"), now=1.0, file=file)
    assert not status.is_interrupted

    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "pid": 2**22 + 1}))

    left = trainer_status.read(file)
    assert left is not None
    assert left.is_interrupted


def test_a_finished_installation_is_never_interrupted() -> None:
    assert not TrainerStatus("failed", pid=2**22 + 1).is_interrupted


def test_only_the_last_lines_are_kept(file: Path) -> None:
    stored = trainer_status.write(TrainerStatus("installing", lines=tuple(map(str, range(99)))), 1.0, file)

    assert stored.lines[-1] == "98"
    assert len(stored.lines) == trainer_status.LINES_KEPT
