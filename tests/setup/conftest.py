"""A checkout of its own for each test: places point into a temporary folder."""

from pathlib import Path

import pytest

from dcportal.setup import places


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository with a data folder; nothing of the real one is touched."""
    for name, relative in {
        "PORTAL_VENV": ".venv",
        "TRAINER_VENV": ".venv-trainer",
        "TRAINER_REQUIREMENTS": "trainer/requirements.txt",
        "PORTAL_REQUIREMENTS": "dcportal/requirements.txt",
    }.items():
        monkeypatch.setattr(places, name, tmp_path / relative)
    monkeypatch.setattr(places, "REPOSITORY", tmp_path)
    for folder in ("trainer", "dcportal"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "requirements.txt").write_text("six==1.16.0  # small\n")
    monkeypatch.setenv("DCP_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("DCP_TRAINER_PYTHON", str(tmp_path / ".venv-trainer/bin/python"))
    return tmp_path
