"""`dcp` is a program of its own: from any folder, also through a link."""

import subprocess
import sys
from pathlib import Path

import pytest

from dcportal.setup import client, places

HERE = Path(__file__).resolve().parents[2]


@pytest.fixture
def program(checkout: Path) -> Path:
    (places.PORTAL_VENV / "bin").mkdir(parents=True)
    (places.PORTAL_VENV / "bin/python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (places.PORTAL_VENV / "bin/python").chmod(0o755)
    for package in ("dcportal", "trainer"):
        (checkout / package).rename(checkout / f"own-{package}")
        (checkout / package).symlink_to(HERE / package)
    return client.install()


def test_dcp_runs_in_any_folder(program: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    answer = subprocess.run(
        [program, "--help"], cwd=tmp_path / "elsewhere", capture_output=True, text=True, check=True
    )
    assert "submit" in answer.stdout


def test_dcp_runs_through_a_link(program: Path, tmp_path: Path) -> None:
    link = tmp_path / "dcp"
    link.symlink_to(program)
    answer = subprocess.run([link, "--help"], cwd="/", capture_output=True, text=True, check=True)
    assert "submit" in answer.stdout
