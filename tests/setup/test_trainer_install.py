"""The trainer's environment: skipped, adopted, resumed, rebuilt, refused."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dcportal.setup import environments, gpus, places, trainer_install, trainer_status
from dcportal.setup.download_plan import Plan

WHOLE = {
    "problems": [],
    "torch": {"version": "2.13.0+cpu", "cuda": None, "gpus_usable": 0, "architectures": [], "problem": ""},
}
BROKEN = {"problems": ["torch lost 3 files, the first is x"], "torch": None}


@pytest.fixture
def machine(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No GPU, uv absent, and a `python` that works."""
    monkeypatch.setattr(gpus, "detect", lambda: None)
    monkeypatch.setattr(trainer_install, "portal_uv", lambda: None)
    monkeypatch.setattr(trainer_install, "take_signals", lambda: None)
    monkeypatch.setattr(environments, "create", make_venv)
    make_venv(places.TRAINER_VENV)
    return checkout


def make_venv(venv: Path) -> None:
    python = places.python_of(venv)
    python.parent.mkdir(parents=True, exist_ok=True)
    if not python.exists():
        python.symlink_to(sys.executable)


@pytest.fixture
def plan_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """`plan_of(shell script)` stands for pip; the returned list grows with each plan that was made."""

    def use(script: str) -> list[str]:
        made: list[str] = []

        def plan(*where: Any) -> Plan:
            made.append(script)
            return Plan("pip", ["sh", "-c", script], {"torch": 1000})

        monkeypatch.setattr(trainer_install, "plan", plan)
        return made

    return use


def answers(monkeypatch: pytest.MonkeyPatch, *given: dict[str, Any]) -> None:
    """The probe's answers, one per call; the last is repeated."""
    left = list(given)
    monkeypatch.setattr(trainer_install, "probe", lambda python: left.pop(0) if len(left) > 1 else left[0])


def status() -> trainer_status.TrainerStatus:
    found = trainer_status.read()
    assert found is not None
    return found


def test_skip_installs_nothing_and_says_how_to_get_it(machine: Path) -> None:
    assert trainer_install.main("skip") == 0

    assert status().phase == "skipped"
    assert status().mend == "make run TORCH=auto"


def test_a_misspelt_choice_fails_with_the_right_ones(machine: Path) -> None:
    assert trainer_install.main("gpu") == 1

    assert status().phase == "failed"
    assert "auto, cpu, cuda, skip" in status().error


def test_an_environment_made_by_hand_is_taken_as_it_is(
    machine: Path, monkeypatch: pytest.MonkeyPatch, plan_of: Callable[[str], list[str]]
) -> None:
    made = plan_of("exit 1")
    answers(monkeypatch, WHOLE)

    assert trainer_install.main("auto") == 0

    assert made == []
    assert status().is_ready


def test_the_second_run_installs_nothing(
    machine: Path, monkeypatch: pytest.MonkeyPatch, plan_of: Callable[[str], list[str]]
) -> None:
    made = plan_of("echo Installing collected packages: torch")
    answers(monkeypatch, BROKEN, WHOLE)

    assert trainer_install.main("auto") == 0
    assert trainer_install.main("auto") == 0

    assert len(made) == 1
    assert status().phase == "ready"


def test_changed_pins_install_again(
    machine: Path, monkeypatch: pytest.MonkeyPatch, plan_of: Callable[[str], list[str]]
) -> None:
    made = plan_of("true")
    answers(monkeypatch, WHOLE)
    trainer_install.main("auto")
    places.TRAINER_REQUIREMENTS.write_text("six==1.17.0\n")

    assert trainer_install.main("auto") == 0

    assert len(made) == 1


def test_a_half_unpacked_environment_is_rebuilt(
    machine: Path, monkeypatch: pytest.MonkeyPatch, plan_of: Callable[[str], list[str]]
) -> None:
    plan_of("true")
    answers(monkeypatch, BROKEN, BROKEN, WHOLE)
    created: list[Path] = []
    monkeypatch.setattr(environments, "create", created.append)

    assert trainer_install.main("auto") == 0

    assert created == [places.TRAINER_VENV]
    assert status().phase == "ready"


def test_a_failed_download_quotes_the_tool_and_how_to_go_on(
    machine: Path, monkeypatch: pytest.MonkeyPatch, plan_of: Callable[[str], list[str]]
) -> None:
    plan_of("echo could not fetch torch; exit 1")
    answers(monkeypatch, BROKEN)

    assert trainer_install.main("auto") == 1

    assert "could not fetch torch" in status().error
    assert status().mend == "make run"
    assert not trainer_install.stamp_file().exists()


def test_too_little_disk_is_said_before_the_download(
    machine: Path, monkeypatch: pytest.MonkeyPatch, plan_of: Callable[[str], list[str]]
) -> None:
    plan_of("touch started")
    answers(monkeypatch, BROKEN)
    monkeypatch.setattr(trainer_install, "DISK_PER_DOWNLOADED_BYTE", 1e18)

    assert trainer_install.main("auto") == 1

    assert "GB of disk needed" in status().error
    assert not (Path.cwd() / "started").exists()


def test_a_foreign_interpreter_is_looked_at_and_left_alone(
    machine: Path, monkeypatch: pytest.MonkeyPatch, plan_of: Callable[[str], list[str]]
) -> None:
    made = plan_of("true")
    monkeypatch.setenv("DCP_TRAINER_PYTHON", sys.executable)
    answers(monkeypatch, WHOLE)

    assert trainer_install.main("auto") == 0

    assert status().phase == "external"
    assert made == []


def test_a_foreign_interpreter_that_is_not_there_fails_clearly(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DCP_TRAINER_PYTHON", str(machine / "nowhere/python"))

    assert trainer_install.main("auto") == 1

    assert "does not exist" in status().error


def test_the_probe_finds_lost_files(tmp_path: Path) -> None:
    pins = tmp_path / "requirements.txt"
    pins.write_text("surely-not-installed==1.0  # reason\npytest==0.0.1\n")
    script = Path(trainer_install.__file__).with_name("torch_probe.py")

    done = subprocess.run([sys.executable, script, pins], capture_output=True, text=True, env=os.environ)

    assert "surely-not-installed is not installed" in done.stdout
    assert "0.0.1 is pinned" in done.stdout
