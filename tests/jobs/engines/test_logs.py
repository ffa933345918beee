"""The log: form, windows, rotation, limits; first on its parts, then with programs that flood it."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.engines.runner import loglines, logwindow
from jobs.engines.runner.logpump import LineCutter
from jobs.engines.runner.logstore import LogStore, RateLimit
from jobs.engines.runner.logwindow import read_window
from tests.jobs.engines import programs

NOW = 1_790_000_000.25


def line(text: bytes, source: bytes = b"0") -> bytes:
    return loglines.formed(loglines.stamp(NOW), source, text)


@pytest.mark.parametrize("text", [b"", b" padded ", b"\x1b[31mred\x1b[0m", b"\xff\xfe\x00", "日本".encode()])
def test_a_line_comes_apart_as_it_was_put_together(text):
    parsed = loglines.parse(loglines.formed(loglines.stamp(NOW), b"12", text, goes_on=True))
    assert (parsed.source, parsed.goes_on, parsed.text) == ("12", True, text)
    assert parsed.time.timestamp() == pytest.approx(NOW, abs=0.001)


@pytest.mark.parametrize("junk", [b"", b"\n", b"hello", b"2026-11-22T12:00:00.123Z x text", b"\xff" * 40])
def test_what_is_no_line_is_not_taken_for_one(junk):
    assert loglines.parse(junk) is None


def test_lines_are_cut_at_newlines_whatever_the_chunks():
    cutter = LineCutter()
    lines = [found for chunk in (b"a", b"b\nc", b"\n\nd\n") for found in cutter.feed(chunk, 0.0)]
    assert lines == [(b"ab", False), (b"c", False), (b"", False), (b"d", False)]


@given(st.lists(st.binary(max_size=40)))
def test_how_bytes_arrive_changes_no_line(chunks):
    """Without carriage returns, lines are what stands between newlines, whatever the chunks."""
    chunks = [chunk.replace(b"\r", b"") for chunk in chunks]
    cutter = LineCutter()
    lines = [text for chunk in chunks for text, _ in cutter.feed(chunk, 0.0)] + [t for t, _ in cutter.rest()]
    whole = b"".join(chunks)
    assert lines == whole.removesuffix(b"\n").split(b"\n") if whole else lines == []


@given(st.lists(st.binary(max_size=30), min_size=1), st.integers(0, 2000), st.integers(1, 300))
def test_every_window_holds_whole_lines_from_its_place_on(texts, offset, limit):
    with TemporaryDirectory() as folder:
        store = LogStore(Path(folder), cap_bytes=2**20)
        whole = b"".join(line(text.replace(b"\n", b"")) for text in texts)
        store.append(whole)
        store.close()
        window = read_window(Path(folder), offset, limit)
    assert window.data == whole[window.offset : window.next_offset]
    assert window.data == b"" or window.data.endswith(b"\n")
    assert window.offset >= min(offset, len(whole))
    assert window.offset in {0, len(whole)} or whole[window.offset - 1 : window.offset] == b"\n"
    # One line at least, so that reading on always ends.
    assert window.data or window.next_offset == len(whole)


def test_a_long_line_is_cut_into_marked_pieces():
    cutter = LineCutter()
    lines = cutter.feed(b"x" * 150_000, 0.0) + cutter.feed(b"y\n", 0.0)
    assert b"".join(text for text, _ in lines) == b"x" * 150_000 + b"y"
    assert [goes_on for _, goes_on in lines] == [True, True, False]


def test_a_progress_bar_shows_its_newest_state_once_a_second():
    cutter = LineCutter()
    assert cutter.feed(b"\r 1%\r 2%", 0.0) == []
    assert cutter.stale(0.5) == []
    assert cutter.stale(1.5) == [(b" 2%", False)]
    assert cutter.feed(b"\r100%\n", 2.0) == [(b"100%", False)]


def test_an_unfinished_line_is_shown_and_marked_as_going_on():
    cutter = LineCutter()
    cutter.feed(b"loading...", 0.0)
    assert cutter.stale(1.5) == [(b"loading...", True)]
    assert cutter.feed(b"done\n", 2.0) == [(b"done", False)]


def test_windows_follow_one_another_without_gap_or_overlap(tmp_path):
    store = LogStore(tmp_path, cap_bytes=2**20)
    for number in range(100):
        store.append(line(b"line %d" % number))
    seen, offset = b"", 0
    while (window := read_window(tmp_path, offset, limit=500)).data:
        assert window.offset == offset
        seen, offset = seen + window.data, window.next_offset
    assert seen.count(b"\n") == 100
    assert offset == window.end_offset == store.counts.stored_bytes


def test_a_window_from_the_end_begins_at_a_line(tmp_path):
    store = LogStore(tmp_path, cap_bytes=2**20)
    for number in range(100):
        store.append(line(b"line %d" % number))
    window = read_window(tmp_path, -100, limit=1000)
    assert [found.text for _, found in window.lines()] == [b"line 98", b"line 99"]


def test_a_window_keeps_one_ranks_lines_and_moves_on_past_the_others(tmp_path):
    store = LogStore(tmp_path, cap_bytes=2**20)
    store.append(line(b"mine", b"1") + line(b"other", b"11") + line(b"launcher", b"-"))
    window = read_window(tmp_path, 0, source="1")
    assert [found.text for _, found in window.lines()] == [b"mine"]
    assert window.next_offset == window.end_offset


def test_rotation_keeps_the_beginning_and_the_newest(tmp_path):
    store = LogStore(tmp_path, cap_bytes=16 * 64 * 1024)
    for number in range(40_000):
        store.append(line(b"line %06d %s" % (number, b"x" * 40)))
    kept = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert kept <= 17 * 65 * 1024
    assert store.counts.stored_bytes == kept + store.counts.rotated_bytes
    first = read_window(tmp_path, 0, limit=100)
    assert b"line 000000" in first.data
    gap = read_window(tmp_path, 100_000, limit=100)
    assert gap.dropped_bytes > 0
    assert gap.offset == 100_000 + gap.dropped_bytes
    assert b"line 039999" in read_window(tmp_path, -200, limit=1000).data


def test_a_missing_log_is_an_empty_one(tmp_path):
    assert read_window(tmp_path / "none", 0) == logwindow.LogWindow(0, b"", 0, 0)


def test_a_symlink_in_the_log_folder_is_not_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(line(b"secret").decode())
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / f"{0:016d}.log").symlink_to(secret)
    assert b"secret" not in read_window(logs, 0).data


def test_a_full_disk_drops_lines_and_never_half_of_one(small_disk):
    store = LogStore(small_disk, cap_bytes=64 * 2**20)
    block = line(b"x" * 60_000)
    stored = [store.append(block) for _ in range(80)]
    assert not stored[-1]
    assert store.counts.is_disk_full
    window = read_window(small_disk, 0, limit=8 * 2**20)
    assert window.data == block * stored.count(True)
    assert store.counts.dropped_bytes == len(block) * stored.count(False)


def test_the_rate_limit_lets_a_burst_pass_and_then_shuts_until_half_full():
    limit = RateLimit(bytes_per_second=100, burst_bytes=400, now=0.0)
    assert [limit.allows(200, 0.0) for _ in range(3)] == [True, True, False]
    assert not limit.allows(50, 1.0)
    assert limit.allows(50, 2.1)


def test_hostile_bytes_arrive_unchanged(bench):
    source = r"import sys; sys.stdout.buffer.write(b'\x1b[2J\x00<script>\xff\xe2\x80\xae\n')"
    tag = bench.python("jobaaa", source)
    bench.end_of(tag)
    assert bench.texts(tag) == [b"\x1b[2J\x00<script>\xff\xe2\x80\xae"]


def test_a_line_of_10_megabytes_arrives_whole_in_pieces(bench):
    tag = bench.python("jobaaa", "import sys; sys.stdout.write('x' * 10_000_000 + 'end\\n')")
    bench.end_of(tag)
    seen, offset = [], 0
    while (chunk := bench.engine.logs(tag, offset, 2**20)).data:
        seen += [loglines.parse(raw) for raw in chunk.data.split(b"\n")[:-1]]
        offset = chunk.next_offset
    assert b"".join(found.text for found in seen) == b"x" * 10_000_000 + b"end"
    assert [found.goes_on for found in seen] == [True] * (len(seen) - 1) + [False]


def test_a_flood_is_capped_counted_and_remarked_upon(bench):
    flood = "import os\nblock = (b'y' * 99 + b'\\n') * 10_000\nfor _ in range(200): os.write(1, block)"
    tag = bench.python("jobaaa", flood, log_cap_bytes=4 * 2**20)
    pid = bench.runner_pid(tag)
    peaks = []
    report = bench.until(tag, lambda found: peaks.append(_memory_kib(pid)) or found.state.is_final)
    assert report.exit_code == 0
    assert report.log_dropped_bytes > 100 * 2**20
    stored = sum(path.stat().st_size for path in bench.engine.folder(tag).logs.iterdir())
    assert stored < 8 * 2**20
    assert any(b"bytes dropped (rank 0 wrote faster" in text for text in remarks_in(bench, tag))
    assert max(peaks) < 100 * 1024


def remarks_in(bench, tag: str) -> list[bytes]:
    """The runner's remarks in the whole stored log; where in it they lie depends on the machine's speed."""
    found, offset = [], 0
    while True:
        window = bench.engine.logs(tag, offset, rank="=")
        found.append(window.data)
        if window.next_offset in (offset, window.end_offset):
            return found
        offset = window.next_offset


def _memory_kib(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/status") as file:
            return next((int(row.split()[1]) for row in file if row.startswith("VmRSS")), 0)
    except OSError:
        return 0


def test_secrets_are_masked_and_leave_no_trace_in_files(bench):
    source = "import os; print('token is', os.environ['API_TOKEN'], flush=True)" + "\n" + programs.WAITS
    tag = bench.python("jobaaa", source, secrets={"API_TOKEN": "canary-5f3a9c"})
    bench.until_logged(tag, b"up")
    root = bench.engine.folder(tag).root
    found = [path for path in root.rglob("*") if path.is_file() and b"canary-5f3a9c" in path.read_bytes()]
    assert found == []
    assert b"token is ***" in bench.texts(tag)
    assert not _on_a_command_line(b"canary-5f3a9c")


def _on_a_command_line(text: bytes) -> bool:
    from pathlib import Path

    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text in path.read_bytes():
                return True
        except OSError:
            continue
    return False
