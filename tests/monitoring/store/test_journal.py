"""The journal: torn tails, refused writes, and a writer that is killed."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from monitoring.store import journal as journal_module
from monitoring.store.holder import HeldElsewhere, HolderLock
from monitoring.store.journal import Journal, SampleRecord, sample_record
from tests.monitoring.store.helpers import HOUR, LAYOUT, Desk, record

WRITER = """
import sys
from tests.monitoring.store.helpers import Desk, HOUR
from pathlib import Path
desk = Desk(Path(sys.argv[1]))
for second in range(HOUR, HOUR + 100_000):
    desk.write(range(second, second + 1))
    if second % 70 == 0:
        desk.recorder.seal()
    sys.stdout.write(f"{second}\\n")
    sys.stdout.flush()
"""


def seconds(folder: Path) -> list[int]:
    return [entry.second for entry in Journal(folder).replay() if isinstance(entry, SampleRecord)]


def filled(folder: Path, count: int = 5) -> Path:
    journal = Journal(folder)
    journal.append([sample_record(record(HOUR + i)) for i in range(count)], {"node1": HOUR + count - 1})
    journal.rotate()
    return next(folder.glob("*.journal"))


def test_rows_come_back_in_order(tmp_path: Path) -> None:
    filled(tmp_path)
    assert seconds(tmp_path) == [HOUR + i for i in range(5)]


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_a_torn_tail_costs_only_the_torn_row(tmp_path: Path, cut: int) -> None:
    path = filled(tmp_path)
    os.truncate(path, path.stat().st_size - cut)
    assert seconds(tmp_path) == [HOUR + i for i in range(4)]
    assert seconds(tmp_path) == [HOUR + i for i in range(4)]


def test_a_flipped_bit_ends_the_segment_there(tmp_path: Path) -> None:
    path = filled(tmp_path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert seconds(tmp_path) == [HOUR, HOUR + 1]


def test_garbage_is_no_journal_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "000000000001.journal").write_bytes(os.urandom(5000))
    assert seconds(tmp_path) == []


def test_a_full_disk_is_refused_and_leaves_a_clean_segment(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(file: int, data: bytes) -> None:
        os.write(file, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    desk.write(range(HOUR, HOUR + 3))
    with monkeypatch.context() as patch:
        patch.setattr(journal_module, "_write_all", half)
        desk.write(range(HOUR + 3, HOUR + 5))
    desk.write(range(HOUR + 5, HOUR + 7))
    assert desk.receipts == [True] * 3 + [False] * 2 + [True] * 2
    desk.crash()
    assert desk.recorder.counts.replayed == 5
    assert desk.recorder.counts.torn_bytes == 0


def test_a_killed_writer_loses_no_acknowledged_row(tmp_path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path.cwd(), bufsize=0
    )
    assert writer.stdout is not None
    seen = b""
    while seen.count(b"\n") < 150:
        assert select.select([writer.stdout], [], [], 30)[0], "the writer said nothing for 30 s"
        seen += os.read(writer.stdout.fileno(), 65536)
    writer.send_signal(signal.SIGKILL)
    seen += writer.stdout.read()
    writer.wait()
    writer.stdout.close()
    last = int(seen.rpartition(b"\n")[0].split(b"\n")[-1])
    desk = Desk(tmp_path)
    power = desk.power(HOUR, last + 1)
    assert list(power) == [100.0 + second % 60 for second in range(last + 1 - HOUR)]
    ring = desk.recorder.ring("node1")
    assert ring is not None
    assert ring.newest >= last
    assert ring.layout == LAYOUT


def test_only_one_process_holds_the_store(tmp_path: Path) -> None:
    first = HolderLock(tmp_path)
    first.acquire()
    with pytest.raises(HeldElsewhere) as refusal:
        HolderLock(tmp_path).acquire()
    assert refusal.value.pid == str(os.getpid())
    first.release()
    HolderLock(tmp_path).acquire()
