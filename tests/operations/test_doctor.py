"""The doctor names what is wrong, how bad it is, and what mends it."""

import json
import socket
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import DatabaseError
from pytest_django.fixtures import Settings

from dcportal.operations.doctor import machine, storage, telemetry, training
from dcportal.operations.doctor.finding import Finding
from dcportal.operations.management.commands import doctor
from dcportal.setup.gpus import Gpus
from dcportal.setup.trainer_status import Torch

H200 = Gpus("580.95.05", ((9, 0), (9, 0)))


def test_a_data_folder_on_nfs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.preflight, "filesystem_of", lambda path: "nfs4")

    finding = machine.file_system()

    assert finding.level == "fail"
    assert "DCP_DATA_DIR" in finding.mend


def test_a_folder_that_cannot_be_written_is_named(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "gone"

    finding = machine.data_folder()

    assert finding.level == "fail"
    assert str(tmp_path / "gone") in finding.text


def test_a_foreign_program_on_the_port_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("DCP_BIND", f"127.0.0.1:{server.getsockname()[1]}")
        finding = machine.port()

    assert finding.level == "fail"
    assert "taken by" in finding.text


def test_a_free_port_means_that_the_portal_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    monkeypatch.setenv("DCP_BIND", f"127.0.0.1:{number}")

    assert machine.port().mend == "make run"


@pytest.mark.django_db
def test_a_migrated_database_is_fine() -> None:
    assert storage.database().level == "ok"
    assert storage.migrations().level == "ok"


@pytest.mark.parametrize(
    ("torch", "gpus", "level", "mend"),
    [
        (Torch("2.13.0+cpu", None, 0), None, "ok", ""),
        (Torch("2.13.0+cu130", "13.0", 2), H200, "ok", ""),
        (Torch("2.13.0+cpu", None, 0), H200, "fail", "TORCH=cuda"),
        (Torch("2.13.0+cu130", "13.0", 0, problem="driver too old"), H200, "fail", "NVIDIA driver"),
        (Torch("2.13.0+cu130", "13.0", 1), H200, "fail", "NVIDIA driver"),
        (None, H200, "fail", "rm -rf .venv-trainer"),
    ],
)
def test_torch_is_judged_against_the_driver(
    torch: Torch | None, gpus: Gpus | None, level: str, mend: str
) -> None:
    finding = training.of_torch(torch, gpus)

    assert finding.level == level
    assert mend in finding.mend


def test_both_versions_stand_in_the_failure() -> None:
    text = training.of_torch(Torch("2.13.0+cu130", "13.0", 0, problem="too old"), H200).text

    assert "2.13.0+cu130" in text
    assert "580.95.05" in text
    assert "too old" in text


def test_unreadable_cpu_power_prints_the_udev_rule(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "intel-rapl:0").mkdir()
    (tmp_path / "intel-rapl:0/energy_uj").touch()
    monkeypatch.setattr(telemetry, "RAPL", tmp_path)
    monkeypatch.setattr(telemetry.os, "access", lambda path, mode: False)

    finding = telemetry.cpu_power()

    assert finding.level == "warn"
    assert "udev" in finding.mend


def test_no_cpu_power_counters_is_ordinary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(telemetry, "RAPL", tmp_path)

    assert telemetry.cpu_power().level == "ok"


@pytest.mark.django_db
def test_an_agent_never_heard_says_where_its_log_is() -> None:
    finding = telemetry.agent()

    assert finding.level == "warn"
    assert "agent.log" in finding.mend


@pytest.mark.django_db
@pytest.mark.parametrize(("age_seconds", "level"), [(2, "ok"), (120, "warn")])
def test_the_age_of_the_last_sample_decides(
    monkeypatch: pytest.MonkeyPatch, age_seconds: int, level: str
) -> None:
    from dcportal.common.changes import create
    from dcportal.inventory.models import Node

    now = datetime(2026, 11, 24, 13, 32, 7, tzinfo=UTC)
    monkeypatch.setattr(telemetry, "utcnow", lambda: now)
    monkeypatch.setattr(telemetry.this_host, "machine_id", lambda: "m-1")
    create(Node(name="here", machine_id="m-1", last_seen_at=now - timedelta(seconds=age_seconds)), now)

    assert telemetry.agent().level == level


def run(monkeypatch: pytest.MonkeyPatch, *findings: Finding, as_json: bool = False) -> tuple[str, int]:
    monkeypatch.setattr(doctor, "CHECKS", [lambda found=found: found for found in findings])
    output, code = StringIO(), 0
    try:
        call_command("doctor", json=as_json, stdout=output, no_color=True)
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    return output.getvalue(), code


def test_warnings_alone_end_with_0(monkeypatch: pytest.MonkeyPatch) -> None:
    output, code = run(monkeypatch, Finding("disk", "warn", "little", "free some"))

    assert code == 0
    assert "warn disk" in output
    assert "mend: free some" in output


def test_a_failure_ends_with_1_and_is_in_the_json(monkeypatch: pytest.MonkeyPatch) -> None:
    output, code = run(monkeypatch, Finding("git", "fail", "missing", "apt"), as_json=True)

    assert code == 1
    assert json.loads(output) == [{"check": "git", "level": "fail", "text": "missing", "mend": "apt"}]


def test_a_database_that_is_down_hides_nothing_else() -> None:
    def broken() -> Finding:
        raise DatabaseError("no route to host")

    assert doctor.examine(broken).level == "fail"
