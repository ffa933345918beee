"""Environments are made once, continued after a kill, and mended when their Python is gone."""

from pathlib import Path

import pytest

from dcportal.setup import environments, places


@pytest.fixture
def steps(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every creation and installation, by name; environments work once they were created."""
    done: list[str] = []

    def create(venv: Path) -> None:
        done.append("create")
        venv.mkdir()

    monkeypatch.setattr(environments, "create", create)
    monkeypatch.setattr(environments, "install", lambda venv, files: done.append("install"))
    monkeypatch.setattr(environments, "works", lambda venv: venv.exists())
    return done


def ensure(*files: Path) -> bool:
    return environments.ensure(places.PORTAL_VENV, list(files) or [places.PORTAL_REQUIREMENTS])


def test_the_second_call_does_nothing(steps: list[str]) -> None:
    assert ensure() is True
    assert ensure() is False
    assert steps == ["create", "install"]


def test_changed_pins_are_installed_into_the_same_environment(steps: list[str]) -> None:
    ensure()
    places.PORTAL_REQUIREMENTS.write_text("six==1.17.0\n")

    assert ensure() is True
    assert steps == ["create", "install", "install"]


def test_an_installation_killed_halfway_is_repeated(
    steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(venv: Path, files: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(environments, "install", killed)
        with pytest.raises(KeyboardInterrupt):
            ensure()

    assert ensure() is True


def test_an_environment_whose_python_is_gone_is_made_anew(steps: list[str]) -> None:
    ensure()
    for stamp in places.PORTAL_VENV.iterdir():
        stamp.unlink()
    places.PORTAL_VENV.rmdir()

    assert ensure() is True
    assert steps.count("create") == 2


def test_test_tools_and_portal_do_not_undo_each_other(steps: list[str]) -> None:
    ensure(places.PORTAL_REQUIREMENTS, places.TRAINER_REQUIREMENTS)

    assert ensure() is False


def test_plain_pip_is_the_way_back_when_uv_fails(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(environments, "succeeds", lambda command: False)
    monkeypatch.setattr(environments, "run", commands.append)

    environments.install(places.PORTAL_VENV, [places.PORTAL_REQUIREMENTS])

    assert commands[0][1:3] == ["-m", "pip"]
    assert commands[0][-2:] == ["-r", str(places.PORTAL_REQUIREMENTS)]


def test_a_failed_installation_quotes_the_last_words() -> None:
    with pytest.raises(environments.InstallFailed, match="no such index"):
        environments.run(["sh", "-c", "echo no such index; exit 3"])
