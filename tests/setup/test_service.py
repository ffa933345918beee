"""`make service`: a unit that leaves runners alone, or a detached start that says so."""

import subprocess
from pathlib import Path

import pytest

from dcportal.setup import environments, places, service


@pytest.fixture(autouse=True)
def home(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(checkout / "config"))
    monkeypatch.setattr(environments, "ensure", lambda venv, files: False)
    return checkout


def test_the_unit_never_kills_runners() -> None:
    assert "KillMode=process" in service.unit_text()
    assert f"WorkingDirectory={places.REPOSITORY}" in service.unit_text()


def test_settings_of_the_command_line_are_kept_for_the_unit(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DCP_BIND", "127.0.0.1:9000")
    monkeypatch.setenv("SOMETHING_ELSE", "x")

    service.write_environment()

    file = service.environment_file()
    assert 'DCP_BIND="127.0.0.1:9000"' in file.read_text()
    assert "SOMETHING_ELSE" not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_with_systemd_the_unit_is_enabled_and_started(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(service, "has_user_systemd", lambda: True)
    monkeypatch.setattr(service.subprocess, "run", lambda command, **options: commands.append(command))

    assert service.main() == 0

    assert (home / "config/systemd/user/dcportal.service").exists()
    assert ["systemctl", "--user", "enable", "dcportal.service"] in commands
    assert commands[-1] == ["systemctl", "--user", "restart", "dcportal.service"]


def test_without_systemd_it_starts_detached_and_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    python = places.python_of(places.PORTAL_VENV)
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho started "$@"\n')
    python.chmod(0o755)
    started: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen
    monkeypatch.setattr(service, "has_user_systemd", lambda: False)
    monkeypatch.setattr(
        service.subprocess,
        "Popen",
        lambda *words, **options: started.append(real(*words, **options)) or started[0],
    )

    assert service.main() == 0

    started[0].wait()
    assert "No systemd of this user" in capsys.readouterr().out
    assert "started manage.py portal --prepare" in (home / "var/log/portal.log").read_text()
