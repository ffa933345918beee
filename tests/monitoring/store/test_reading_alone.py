"""A process that only reads, with and without a writer beside it."""

import stat
from pathlib import Path

import pytest

from monitoring.store.base import Retention
from monitoring.store.reader import TelemetryReader, choose
from monitoring.store.schema import NewerFiles, open_hot
from monitoring.store.sqlite import SqliteStore
from tests.monitoring.store.helpers import HOUR, Desk


def read(root: Path) -> list[float]:
    reader = TelemetryReader(SqliteStore(root, writable=False))
    answer = reader.query(["node1"], "cpu_utilisation_ratio", HOUR, HOUR + 60, 100, HOUR + 60)
    return list(answer.series["node1"].mean)


def test_it_reads_after_the_writer_has_gone(desk: Desk) -> None:
    desk.write(range(HOUR, HOUR + 75))
    desk.recorder.seal()
    desk.store.close()
    assert read(desk.root) == [0.5] * 60


def test_it_writes_nothing(desk: Desk) -> None:
    desk.write(range(HOUR, HOUR + 75))
    desk.recorder.seal()
    before = sorted(path.name for path in desk.root.rglob("*"))
    read(desk.root)
    assert sorted(path.name for path in desk.root.rglob("*")) == before


def test_files_of_a_newer_version_are_refused(tmp_path: Path) -> None:
    connection = open_hot(tmp_path / "hot.sqlite3")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(NewerFiles):
        open_hot(tmp_path / "hot.sqlite3")


def test_the_journal_is_not_for_everybody(desk: Desk) -> None:
    desk.write(range(HOUR, HOUR + 1))
    for path in (desk.root / "journal").iterdir():
        assert not path.stat().st_mode & stat.S_IRWXO


@pytest.mark.parametrize(
    ("hours", "points", "days_ago", "tier", "step"),
    [
        (1, 3600, 0, "raw", 1),
        (1, 600, 0, "raw", 10),
        (24, 1440, 0, "minute", 60),
        (24, 5000, 0, "raw", 20),
        (24, 1440, 100, "hour", 3600),
        (24 * 365, 5000, 0, "hour", 7200),
        (1, 3600, 20, "minute", 60),
        (24 * 366 * 5, 1, 0, "hour", 1830 * 86400),
    ],
)
def test_the_finest_tier_that_fits_and_is_kept_answers(
    hours: int, points: int, days_ago: int, tier: str, step: int
) -> None:
    now = HOUR
    start = now - days_ago * 86400 - hours * 3600
    assert choose(start, start + hours * 3600, points, now, Retention()) == (tier, step)
