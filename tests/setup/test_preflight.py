"""What `make run` says before anything is installed."""

import socket
import sys
from pathlib import Path

import pytest

from dcportal.setup import places, preflight
from dcportal.setup.preflight import Finding


def test_everything_missing_is_named_in_one_apt_line() -> None:
    found = [Finding("no git", packages=("git",)), Finding("no venv", packages=("python3.11-venv",))]

    text = preflight.message(found, is_root=False)

    assert text.count("apt-get") == 1
    assert "sudo apt-get install -y git python3.11-venv" in text


def test_root_is_not_told_to_use_sudo() -> None:
    assert preflight.apt_line(["git"], is_root=True) == "apt-get install -y git"


def test_a_machine_without_git_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    finding = preflight.git_is_there()

    assert finding is not None
    assert finding.packages == ("git",)


def test_the_venv_package_is_the_one_of_this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight.importlib.util, "find_spec", lambda name: None)

    finding = preflight.venv_is_there()

    assert finding is not None
    assert finding.packages == (f"python3.{sys.version_info[1]}-venv",)


def test_this_machine_can_make_environments() -> None:
    assert preflight.venv_is_there() is None


def test_a_taken_port_names_its_holder_and_another_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("DCP_BIND", f"127.0.0.1:{port}")

        finding = preflight.port_is_free()

    assert finding is not None
    assert f"port {port} is taken by" in finding.problem
    assert "(pid " in finding.problem
    assert "DCP_BIND=127.0.0.1:" in finding.mend


def test_an_address_of_another_machine_is_refused_with_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCP_BIND", "192.0.2.1:8000")

    finding = preflight.port_is_free()

    assert finding is not None
    assert "cannot listen on 192.0.2.1:8000" in finding.problem
    assert "DCP_BIND" in finding.mend


def test_a_full_disk_stops_a_first_installation(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "PORTAL_BYTES", 10**18)

    finding = preflight.disk_has_room()

    assert finding is not None
    assert "DCP_DATA_DIR" in finding.mend


def test_an_installed_portal_starts_on_a_full_disk(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "PORTAL_BYTES", 10**18)
    python = places.python_of(places.PORTAL_VENV)
    python.parent.mkdir(parents=True)
    python.touch()

    assert preflight.disk_has_room() is None


def test_the_longest_mount_decides_the_file_system() -> None:
    mounts = "/dev/vda / ext4 rw 0 0\nserver:/x /data nfs4 rw 0 0\n/dev/b /data/local\\040disk xfs rw 0 0\n"

    assert preflight.filesystem_of(Path("/data/portal"), mounts) == "nfs4"
    assert preflight.filesystem_of(Path("/data/local disk/portal"), mounts) == "xfs"
    assert preflight.filesystem_of(Path("/database"), mounts) == "ext4"


@pytest.mark.parametrize("name", ["a-file", "a-file/below"])
def test_a_data_folder_that_cannot_be_made_is_told(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a-file").touch()
    monkeypatch.setenv("DCP_DATA_DIR", str(tmp_path / name))

    finding = preflight.data_folder_is_writable()

    assert finding is not None
    assert str(tmp_path / name) in finding.problem
    assert "DCP_DATA_DIR" in finding.mend
