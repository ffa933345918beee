"""Event lines: size, merging, rotation, torn and hostile input."""

import itertools
import json
import threading

import pytest

from trainer.event_writer import EventWriter
from trainer.events import LINE_BYTES, read_line, read_lines


class Clock:
    """Monotonic clock that moves only when told."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def writer(tmp_path, clock):
    writer = EventWriter(str(tmp_path), rank=1, restart=2, clock=lambda: 1.5, monotonic=clock)
    yield writer
    writer.close()


def lines_of(folder, name="1.jsonl"):
    return [json.loads(line) for line in (folder / name).read_bytes().splitlines()]


def test_a_line_carries_version_sequence_times_rank_and_restart(writer, tmp_path):
    writer.write("phase", phase="data", state="begin")
    writer.write("end", status="done", exit_code=0, step=3)
    first, second = lines_of(tmp_path)
    assert first == {
        "v": 1, "seq": 0, "t": 1.5, "mono": 100.0, "rank": 1, "restart": 2, "kind": "phase",
        "phase": "data", "state": "begin",
    }  # fmt: skip
    assert second["seq"] == 1


def test_steps_faster_than_ten_lines_a_second_are_merged_into_their_mean(writer, tmp_path, clock):
    writer.step(1, 1, {"loss": 8.0})
    writer.step(2, 2, {"loss": 2.0}, total_steps=9, epoch=0)
    writer.step(3, 5, {"loss": 6.0, "accuracy": 0.5}, total_steps=9, epoch=1)
    clock.now += 0.1
    writer.flush_due()
    first, merged = lines_of(tmp_path)
    assert (first["step_from"], first["step_to"]) == (1, 1)
    assert (merged["step_from"], merged["step_to"], merged["epoch"]) == (2, 5, 1)
    assert merged["metrics"] == {"loss": 5.0, "accuracy": 0.5}


def test_at_most_ten_step_lines_are_written_in_a_second(writer, tmp_path, clock):
    for number in range(1, 1001):
        clock.now += 0.001
        writer.step(number, number, {"loss": 1.0})
    writer.close()
    lines = lines_of(tmp_path)
    assert len(lines) <= 11
    spans = [(line["step_from"], line["step_to"]) for line in lines]
    assert spans[0][0] == 1
    assert spans[-1][1] == 1000
    assert all(before[1] + 1 == after[0] for before, after in itertools.pairwise(spans))


def test_waiting_steps_come_before_any_other_line(writer, tmp_path):
    for number in (1, 2, 3):
        writer.step(number, number, {"loss": 1.0})
    writer.write("eval", step=3, metrics={})
    assert [line["kind"] for line in lines_of(tmp_path)] == ["step", "step", "eval"]


@pytest.mark.parametrize(
    "data",
    [
        {"message": "x" * 100_000},
        {"message": "\u4e2d" * 5000},
        {"message": "\0\x1b" * 5000},
        {"metrics": {f"metric_{number}": 1.23456789 for number in range(500)}},
        {"list": list(range(10_000))},
    ],
)
def test_no_line_is_longer_than_4_kib_and_each_is_readable(writer, tmp_path, data):
    writer.write("error", code="out_of_memory", **data)
    raw = (tmp_path / "1.jsonl").read_bytes()
    assert len(raw) <= LINE_BYTES
    event = read_line(raw.rstrip())
    assert event.kind == "error"
    assert event.data["cut"] is True


def test_a_figure_that_is_no_number_becomes_null(writer, tmp_path):
    writer.step(1, 1, {"loss": float("nan")})
    assert lines_of(tmp_path)[0]["metrics"] == {"loss": None}


def test_a_full_file_is_renamed_and_begun_anew(tmp_path):
    writer = EventWriter(str(tmp_path), file_bytes=400)
    for number in range(12):
        writer.write("heartbeat", step=number)
    writer.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names[0] == "0.1.jsonl"
    assert "0.jsonl" in names
    oldest_first = [*sorted(names[:-1], key=lambda name: int(name.split(".")[1])), "0.jsonl"]
    steps = [line["step"] for name in oldest_first for line in lines_of(tmp_path, name)]
    assert steps == list(range(12))


def test_a_torn_last_line_of_a_crash_does_not_spoil_the_next(tmp_path):
    (tmp_path / "0.jsonl").write_bytes(b'{"v":1,"kind":"st')
    writer = EventWriter(str(tmp_path))
    writer.write("end", status="done")
    events, _used, bad = read_lines((tmp_path / "0.jsonl").read_bytes())
    assert [event.kind for event in events] == ["end"]
    assert bad == 1


def test_a_full_disk_costs_lines_not_the_run(writer, tmp_path, monkeypatch):
    def refuse(*_arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("trainer.event_writer.os.write", refuse)
        writer.write("heartbeat", step=1)
    writer.write("heartbeat", step=2)
    [line] = lines_of(tmp_path)
    assert (line["step"], line["lost_lines"]) == (2, 1)


def test_threads_never_mix_their_lines(writer, tmp_path):
    def beat():
        for number in range(100):
            writer.write("heartbeat", step=number)

    threads = [threading.Thread(target=beat) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(line["seq"] for line in lines_of(tmp_path)) == list(range(400))


def test_a_reader_leaves_the_unfinished_line_for_the_next_piece():
    whole = b'{"v":1,"seq":0,"kind":"end","status":"done"}\n{"v":1,"se'
    events, used, bad = read_lines(whole)
    assert (len(events), used, bad) == (1, whole.index(b"\n") + 1, 0)


def test_unknown_kinds_and_versions_are_kept():
    event = read_line(b'{"v":9,"seq":1,"kind":"dream","colour":"blue"}')
    assert (event.version, event.kind, event.data) == (9, "dream", {"colour": "blue"})


@pytest.mark.parametrize(
    "line",
    [
        b"", b"null", b"[]", b"{", b"\xff", b'{"kind":1}', b'{"kind":""}', b'{"v":1}',
        b'{"kind":"end","seq":-1}', b'{"kind":"end","seq":1.5}', b'{"kind":"end","seq":true}',
        b'{"kind":"end","t":1e400}', b'{"kind":"end","t":"x"}', b'{"kind":"end","rank":99999999999999999999}',
        b'{"kind":"' + b"x" * 33 + b'"}', b'{"kind":"a\\nb"}', b"[" * 4000, b'{"a":' * 600, b"x" * 5000,
    ],
)  # fmt: skip
def test_hostile_lines_are_counted_not_believed(line):
    assert read_line(line) is None


def test_a_line_without_end_is_thrown_away_in_pieces():
    assert read_lines(b"x" * 10_000) == ([], 10_000, 1)
