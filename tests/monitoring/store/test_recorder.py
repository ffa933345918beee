"""From row to block and back: gaps, duplicates, stragglers, restarts, moves between tiers."""

import sqlite3

import numpy as np
import pytest

from monitoring.store.blocks import read_head
from monitoring.store.layout import Column, Layout
from monitoring.store.sqlite import SqliteStore
from tests.monitoring.store.helpers import DAY, HOUR, LAYOUT, Desk, record


def expected_power(seconds: range) -> list[float]:
    return [100.0 + second % 60 for second in seconds]


def test_a_row_can_be_read_before_it_is_stored(desk: Desk) -> None:
    desk.write(range(HOUR, HOUR + 30))
    assert list(desk.power(HOUR, HOUR + 30)) == expected_power(range(30))


def test_a_receipt_comes_after_the_sync(desk: Desk) -> None:
    desk.recorder.announce("node1", LAYOUT)
    desk.recorder.write(record(HOUR), desk.receipts.append)
    assert desk.receipts == []
    desk.recorder.sync()
    assert desk.receipts == [True]


def test_an_ended_minute_is_sealed_and_the_open_one_is_not(desk: Desk) -> None:
    desk.write(range(HOUR, HOUR + 95))
    desk.recorder.seal()
    blocks = list(desk.store.blocks("minute", "node1", HOUR, HOUR + 3600))
    assert [block.key.start for block in blocks] == [HOUR]
    assert list(desk.power(HOUR, HOUR + 95)) == expected_power(range(95))


def test_missing_seconds_are_gaps(desk: Desk) -> None:
    desk.write(range(HOUR, HOUR + 20))
    desk.write(range(HOUR + 30, HOUR + 95))
    desk.recorder.seal()
    power = desk.power(HOUR, HOUR + 60)
    assert np.isnan(power[20:30]).all()
    assert not np.isnan(np.delete(power, range(20, 30))).any()


def test_of_two_rows_of_one_second_the_last_wins_and_is_counted(desk: Desk) -> None:
    desk.write(range(HOUR, HOUR + 75))
    desk.write(range(HOUR + 65, HOUR + 66), row=np.array([1, 7000, 2, 3]))
    desk.write(range(HOUR + 75, HOUR + 140))
    desk.recorder.seal()
    assert desk.power(HOUR + 65, HOUR + 66)[0] == 7.0
    assert desk.recorder.counts.duplicates == 1
    heads = [read_head(b.body)[0] for b in desk.store.blocks("minute", "node1", HOUR, HOUR + 120)]
    assert sum(head.duplicates for head in heads) == 1


def test_a_straggler_is_merged_into_its_sealed_minute(desk: Desk) -> None:
    desk.write(range(HOUR, HOUR + 20))
    desk.write(range(HOUR + 21, HOUR + 300))
    desk.recorder.seal()
    desk.write(range(HOUR + 20, HOUR + 21))
    desk.recorder.seal()
    assert list(desk.power(HOUR, HOUR + 60)) == expected_power(range(60))
    assert desk.recorder.counts.late == 1


def test_a_replay_of_hours_ago_is_stored(desk: Desk) -> None:
    desk.write(range(HOUR + 7200, HOUR + 7230))
    desk.write(range(HOUR, HOUR + 120))
    desk.recorder.seal()
    assert list(desk.power(HOUR, HOUR + 120)) == expected_power(range(120))
    assert desk.recorder.ring("node1").newest == HOUR + 7229


def test_a_node_back_from_a_short_silence_is_live_at_once(desk: Desk) -> None:
    desk.write(range(HOUR, HOUR + 20))
    desk.recorder.seal(everything=True)
    desk.write(range(HOUR + 40, HOUR + 45))
    assert desk.recorder.ring("node1").newest == HOUR + 44
    desk.write(range(HOUR + 45, HOUR + 75))
    desk.recorder.seal()
    assert int(np.isnan(desk.power(HOUR, HOUR + 60)).sum()) == 20


def test_after_a_reboot_both_boots_of_a_minute_are_kept(desk: Desk) -> None:
    desk.write(range(HOUR, HOUR + 20))
    desk.write(range(HOUR + 40, HOUR + 75), boot="boot2")
    desk.recorder.seal()
    starts = [(b.key.start, b.key.boot) for b in desk.store.blocks("minute", "node1", HOUR, HOUR + 60)]
    assert starts == [(HOUR, "boot1"), (HOUR, "boot2")]
    assert int(np.isnan(desk.power(HOUR, HOUR + 60)).sum()) == 20


def test_hot_plug_changes_the_layout_without_losing_the_series(desk: Desk) -> None:
    wider = Layout((Column("GPU-c", "gpu_power_draw_watts", 1000), *LAYOUT.columns))
    desk.write(range(HOUR, HOUR + 30))
    for second in range(HOUR + 30, HOUR + 60):
        row = np.concatenate([[50_000], record(second).row])
        desk.write(range(second, second + 1), layout=wider, row=row)
    desk.recorder.seal()
    assert list(desk.power(HOUR, HOUR + 60)) == expected_power(range(60))
    answer = desk.reader.query(["GPU-c"], "gpu_power_draw_watts", HOUR, HOUR + 60, 5000, HOUR + 60)
    assert int(np.isnan(answer.series["GPU-c"].mean).sum()) == 30


def test_a_crash_loses_nothing_that_was_acknowledged(desk: Desk) -> None:
    desk.write(range(HOUR, HOUR + 95))
    desk.crash()
    assert desk.recorder.counts.replayed == 95
    assert list(desk.power(HOUR, HOUR + 95)) == expected_power(range(95))
    assert desk.recorder.ring("node1").newest == HOUR + 94


def test_a_crash_between_sealing_and_more_rows_loses_nothing(desk: Desk) -> None:
    desk.write(range(HOUR, HOUR + 95))
    desk.recorder.seal()
    desk.write(range(HOUR + 95, HOUR + 100))
    desk.crash()
    desk.recorder.seal(everything=True)
    assert list(desk.power(HOUR, HOUR + 100)) == expected_power(range(100))


def test_the_journal_is_let_go_when_its_rows_are_in_blocks(desk: Desk) -> None:
    desk.write(range(HOUR, HOUR + 95))
    desk.recorder.seal()
    assert len(list((desk.root / "journal").iterdir())) == 1  # seconds 60 to 94 are only there
    desk.recorder.seal(everything=True)
    assert list((desk.root / "journal").iterdir()) == []


def test_when_blocks_cannot_be_stored_the_journal_keeps_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: SqliteStore, blocks: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    desk.write(range(HOUR, HOUR + 95))
    with monkeypatch.context() as patch:
        patch.setattr(SqliteStore, "put_minutes", full)
        desk.recorder.seal()
    assert desk.recorder.counts.seal_failures == 1
    assert list((desk.root / "journal").iterdir())
    desk.recorder.seal(everything=True)
    assert list(desk.power(HOUR, HOUR + 95)) == expected_power(range(95))


def test_a_packed_hour_reads_like_its_minutes(desk: Desk) -> None:
    desk.write(range(HOUR, HOUR + 3600))
    desk.recorder.seal(everything=True)
    before = desk.power(HOUR, HOUR + 3600)
    desk.maintain(HOUR + 3600 + 300)
    assert not list(desk.store.blocks("minute", "node1", HOUR, HOUR + 3600))
    assert np.array_equal(desk.power(HOUR, HOUR + 3600), before)


def test_rollups_agree_before_and_after_packing(desk: Desk) -> None:
    desk.write(range(HOUR, HOUR + 3600))
    desk.recorder.seal(everything=True)
    before = desk.power(HOUR, HOUR + 3600, max_points=60)
    desk.maintain(HOUR + 3600 + 300)
    assert np.array_equal(desk.power(HOUR, HOUR + 3600, max_points=60), before)
    assert before[0] == pytest.approx(129.5)
    assert len(before) == 60


def test_a_late_row_of_a_packed_hour_repacks_it(desk: Desk) -> None:
    desk.write(range(HOUR, HOUR + 100))
    desk.write(range(HOUR + 101, HOUR + 3600))
    desk.recorder.seal(everything=True)
    desk.maintain(HOUR + 3900)
    desk.write(range(HOUR + 3600, HOUR + 3700))
    desk.write(range(HOUR + 100, HOUR + 101))
    desk.recorder.seal(everything=True)
    desk.maintain(HOUR + 3900)
    assert list(desk.power(HOUR, HOUR + 3600)) == expected_power(range(3600))
    rolled = desk.power(HOUR, HOUR + 3600, max_points=60)
    assert rolled[1] == pytest.approx(129.5)


def test_a_counter_is_read_as_its_rate(desk: Desk) -> None:
    desk.write(range(HOUR, HOUR + 3600))
    desk.recorder.seal(everything=True)
    for points in (3600, 60, 1):
        answer = desk.reader.query(
            ["GPU-a"], "gpu_energy_joules_total", HOUR, HOUR + 3600, points, HOUR + 3600
        )
        assert np.allclose(answer.series["GPU-a"].mean[1:], 100.0)
    assert answer.series["GPU-a"].mean[0] == pytest.approx(100.0)


def test_a_closed_day_lies_in_one_file_and_reads_the_same(desk: Desk) -> None:
    seconds = range(DAY + 86400 - 600, DAY + 86400)
    desk.write(seconds)
    desk.recorder.seal(everything=True)
    before = desk.power(seconds.start, seconds.stop)
    desk.maintain(DAY + 86400 + 3 * 3600)
    assert [path.name for path in (desk.root / "raw").iterdir()] == [f"{_date(DAY)}.0.sqlite3"]
    assert np.array_equal(desk.power(seconds.start, seconds.stop), before)


def test_rows_that_come_after_their_day_was_closed_make_a_second_part(desk: Desk) -> None:
    evening = DAY + 86400 - 600
    desk.write(range(evening, evening + 300))
    desk.recorder.seal(everything=True)
    desk.maintain(DAY + 86400 + 3 * 3600)
    desk.write(range(DAY + 86400 + 10_000, DAY + 86400 + 10_001))
    desk.write(range(evening + 300, evening + 600))
    desk.recorder.seal(everything=True)
    desk.maintain(DAY + 86400 + 3 * 3600)
    assert len(list((desk.root / "raw").iterdir())) == 2
    assert list(desk.power(evening, evening + 600)) == expected_power(range(600))
    assert not np.isnan(desk.power(evening, evening + 600, max_points=10)).any()


def test_what_is_too_old_is_unlinked(desk: Desk) -> None:
    desk.write(range(DAY, DAY + 600))
    desk.recorder.seal(everything=True)
    desk.maintain(DAY + 86400 + 3 * 3600)
    desk.maintain(DAY + 16 * 86400)
    assert list((desk.root / "raw").iterdir()) == []
    assert len(list((desk.root / "minute").iterdir())) == 1


def test_beyond_the_raw_retention_minutes_answer(desk: Desk) -> None:
    desk.write(range(DAY, DAY + 600))
    desk.recorder.seal(everything=True)
    desk.maintain(DAY + 86400 + 3 * 3600)
    answer = desk.reader.query(["GPU-a"], "gpu_power_draw_watts", DAY, DAY + 600, 5000, DAY + 20 * 86400)
    assert (answer.tier, answer.step, len(answer.times())) == ("minute", 60, 10)


def test_unknown_entities_and_metrics_are_left_out(desk: Desk) -> None:
    desk.write(range(HOUR, HOUR + 10))
    for entities, metric in ((["nobody"], "gpu_power_draw_watts"), (["GPU-a"], "cpu_utilisation_ratio")):
        assert desk.reader.query(entities, metric, HOUR, HOUR + 10, 100, HOUR + 10).series == {}


def test_a_reader_without_a_store_answers_nothing(desk: Desk, tmp_path: object) -> None:
    store = SqliteStore(desk.root.parent / "nowhere", writable=False)
    assert store.homes() == {}


def test_another_process_reads_what_is_sealed(desk: Desk) -> None:
    from monitoring.store.reader import TelemetryReader

    desk.write(range(HOUR, HOUR + 75))
    desk.recorder.seal()
    other = TelemetryReader(SqliteStore(desk.root, writable=False))
    answer = other.query(["node1"], "cpu_utilisation_ratio", HOUR, HOUR + 60, 100, HOUR + 60)
    assert list(answer.series["node1"].mean) == [0.5] * 60


def _date(second: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d")
