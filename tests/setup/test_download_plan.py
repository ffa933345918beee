"""uv where it can name the build, pip otherwise, and the size of the download before it starts."""

from pathlib import Path

import pytest

from dcportal.setup import download_plan, environments, places
from dcportal.setup.download_plan import Plan
from dcportal.setup.progress import Progress

LOCK = """
[[packages]]
name = "torch"
wheels = [{ url = "x", size = 180000000 }]
[[packages]]
name = "sympy"
wheels = [{ url = "y", size = 6000000 }]
[[packages]]
name = "odd"
"""
UV = """#!/bin/sh
while [ "$1" != "-o" ]; do shift; done
cp "$0.lock" "$2"
"""


def fake_uv(folder: Path, script: str) -> str:
    program = folder / "uv"
    program.write_text(script)
    program.chmod(0o755)
    (folder / "uv.lock").write_text(LOCK)
    places.setup_dir().mkdir(parents=True, exist_ok=True)
    return str(program)


def test_uv_names_the_build_and_the_size(checkout: Path) -> None:
    uv = fake_uv(checkout, UV)

    plan = download_plan.plan(places.TRAINER_VENV, places.TRAINER_REQUIREMENTS, "cu130", uv)

    assert plan.tool == "uv"
    assert "--torch-backend=cu130" in plan.command
    assert plan.download_bytes == 186_000_000


def test_pip_takes_over_where_uv_cannot_reach_the_build(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = fake_uv(checkout, "#!/bin/sh\nexit 2\n")
    report = (
        '{"install": [{"metadata": {"name": "torch"}, "download_info": {"url": "file:///wheels/torch.whl"}}]}'
    )
    monkeypatch.setattr(
        environments, "run", lambda command: Path(command[command.index("--report") + 1]).write_text(report)
    )

    plan = download_plan.plan(places.TRAINER_VENV, places.TRAINER_REQUIREMENTS, "cu130", uv)

    assert plan.tool == "pip"
    assert plan.download_bytes == 0


def test_a_size_that_nobody_tells_is_unknown_not_zero() -> None:
    assert Plan("pip", [], {"torch": None}).download_bytes is None
    assert Plan("pip", [], {"torch": None, "numpy": 7}).download_bytes == 7


def test_bytes_of_uv_are_those_of_the_files_that_arrived(tmp_path: Path) -> None:
    progress = Progress(Plan("uv", [], {"torch": 100, "scikit-learn": 30}), tmp_path)

    progress.saw(" Downloaded scikit_learn")

    assert progress.done_bytes == 30
    assert progress.phase == "downloading"


def test_bytes_of_pip_are_those_in_its_scratch_folder(tmp_path: Path) -> None:
    progress = Progress(Plan("pip", [], {"torch": 100}), tmp_path)
    (tmp_path / "pip-unpack-x").mkdir()
    (tmp_path / "pip-unpack-x/torch.whl").write_bytes(b"x" * 40)

    assert progress.done_bytes == 40


def test_installing_starts_when_the_tool_says_so(tmp_path: Path) -> None:
    progress = Progress(Plan("pip", [], {"torch": 100}), tmp_path)

    progress.saw("Installing collected packages: torch")

    assert progress.phase == "installing"
    assert progress.done_bytes == 100
