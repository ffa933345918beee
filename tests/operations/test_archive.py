"""A backup taken while somebody writes is whole, and comes back only when it is undamaged."""

import json
import sqlite3
import tarfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dcportal.operations import archive
from dcportal.operations.archive import BadArchive

NOW = datetime(2026, 11, 24, 13, 32, 7, tzinfo=UTC)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "keys").mkdir(parents=True)
    (folder / "keys/secret_key").write_text("secret")
    (folder / "log").mkdir()
    (folder / "log/web.log").write_text("noise")
    write_rows(folder, 3)
    return folder


def write_rows(folder: Path, count: int) -> None:
    with closing(sqlite3.connect(folder / "dcportal.sqlite3")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE IF NOT EXISTS t (n)")
        database.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(count)])
        database.commit()


def rows(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "dcportal.sqlite3")) as database:
        return int(database.execute("SELECT count(*) FROM t").fetchone()[0])


@pytest.fixture
def backup(data: Path, tmp_path: Path) -> Path:
    file = tmp_path / "backup.tar.gz"
    archive.write(file, data, NOW)
    return file


def test_it_holds_what_cannot_be_made_again(data: Path, tmp_path: Path) -> None:
    names = archive.write(tmp_path / "b.tar.gz", data, NOW)

    assert names == ["dcportal.sqlite3", "keys/secret_key"]


def test_only_its_owner_may_read_it(backup: Path) -> None:
    assert backup.stat().st_mode & 0o077 == 0


def test_rows_still_in_the_write_ahead_log_are_inside(data: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(data / "dcportal.sqlite3")) as database:
        database.execute("INSERT INTO t VALUES (99)")
        database.commit()
        archive.write(tmp_path / "b.tar.gz", data, NOW)

    archive.restore(tmp_path / "b.tar.gz", tmp_path / "other", NOW)

    assert rows(tmp_path / "other") == 4


def test_a_restore_brings_back_the_state_and_keeps_the_later_one_aside(data: Path, backup: Path) -> None:
    write_rows(data, 5)

    aside = archive.restore(backup, data, NOW)

    assert rows(data) == 3
    assert (data / "keys/secret_key").read_text() == "secret"
    assert aside is not None
    assert rows(aside) == 8


def test_a_restore_into_an_empty_folder_sets_nothing_aside(backup: Path, tmp_path: Path) -> None:
    assert archive.restore(backup, tmp_path / "new", NOW) is None


def test_a_damaged_archive_changes_nothing(data: Path, backup: Path) -> None:
    whole = backup.read_bytes()
    backup.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(BadArchive):
        archive.restore(backup, data, NOW)

    assert rows(data) == 3
    assert [entry.name for entry in data.iterdir() if entry.name.startswith(".")] == []


@pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "missing"])
def test_names_outside_the_folder_are_refused(name: str, tmp_path: Path) -> None:
    forged = tmp_path / "forged.tar.gz"
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"format": 1, "files": {name: "0" * 64}}))
    with tarfile.open(forged, "w:gz") as tar:
        tar.add(manifest, "manifest.json")
        if name != "missing":
            tar.add(manifest, name)

    with pytest.raises(BadArchive):
        archive.restore(forged, tmp_path / "data", NOW)

    assert not (tmp_path / "escape").exists()


def test_an_archive_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    newer = tmp_path / "newer.tar.gz"
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"format": 2, "files": {}}))
    with tarfile.open(newer, "w:gz") as tar:
        tar.add(manifest, "manifest.json")

    with pytest.raises(BadArchive, match="format 2"):
        archive.restore(newer, tmp_path / "data", NOW)
