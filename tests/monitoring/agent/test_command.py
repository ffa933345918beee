"""The command itself, in processes of its own: options, kill -9, and what it never imports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from monitoring import protocol
from monitoring.agent.config import Fleet, parse
from monitoring.agent.segments import DATA, Segment
from tests.monitoring.agent.helpers import SmallIngest, eventually

ROOT = Path(__file__).resolve().parents[3]
AGENT = [sys.executable, "-m", "monitoring.agent"]


def agent(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*AGENT, *options], cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--simulate", "16"], "16x8"),
        (["--simulate", "0x8"], "1 to 4096"),
        (["--simulate", "2x65"], "0 to 64"),
        (["--interval", "0"], "0.1 to 60"),
        (["--interval", "soon"], "number"),
        (["--url", "http://portal/"], "ws://"),
        (["--url", "ws:///x"], "name a host"),
    ],
)
def test_an_impossible_option_is_refused_with_what_would_do(options, named, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(options, {})
    assert ended.value.code == 2
    assert named in capsys.readouterr().err


def test_options_come_from_the_environment_and_the_command_line_wins():
    environ = {"DCP_AGENT_URL": "wss://portal/ws/agent/", "DCP_AGENT_TOKEN_FILE": "/run/token"}
    assert parse([], environ).url == "wss://portal/ws/agent/"
    config = parse(["--url", "ws://other/", "--simulate", "16x8"], environ)
    assert (config.url, config.token_file, config.fleet) == ("ws://other/", Path("/run/token"), Fleet(16, 8))


def test_once_prints_what_this_machine_reads_as_json():
    done = agent("--once", "--interval", "0.2")
    found = json.loads(done.stdout)
    assert found["collector"] == "real"
    assert found["readings"]["node"]["memory_used_bytes"] > 0
    assert 0 <= found["readings"]["node"]["cpu_utilisation_ratio"] <= 1


def test_doctor_tells_a_person_what_is_there():
    done = agent("--doctor", "--interval", "0.2")
    assert done.returncode == 0
    assert "memory_available_bytes" in done.stdout
    assert "GPUs" in done.stdout


def test_a_missing_token_file_is_said_and_ends_it(tmp_path):
    done = agent("--token-file", str(tmp_path / "none"), "--data-dir", str(tmp_path))
    assert done.returncode == 1
    assert "none" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_folder_that_cannot_be_made_is_said_and_ends_it(tmp_path):
    (tmp_path / "file").write_text("")
    done = agent("--data-dir", str(tmp_path / "file"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("blocked", ["django", "numpy"])
def test_the_agent_never_imports(blocked):
    code = f"""
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {blocked!r}:
            raise ImportError("the agent must not import " + name)
sys.meta_path.insert(0, Block())
import monitoring.agent.__main__, monitoring.agent.runtime, monitoring.agent.machine, monitoring.agent.report
import monitoring.agent.collectors.simulated
assert {blocked!r} not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Process:
    """A running `python -m monitoring.agent`."""

    def __init__(self, tmp_path: Path, url: str, *options: str) -> None:
        (tmp_path / "token").write_text("right")
        command = [*AGENT, "--url", url, "--token-file", str(tmp_path / "token"), "--interval", "0.1"]
        self.process = subprocess.Popen(
            [*command, "--data-dir", str(tmp_path / "data"), *options], cwd=ROOT, stderr=subprocess.DEVNULL
        )

    def end(self, number: int) -> int:
        os.kill(self.process.pid, number)
        return self.process.wait(20)


def test_sigterm_ends_it_in_good_order_with_nothing_left_unsent(tmp_path):
    ingest = SmallIngest().start()
    running = Process(tmp_path, ingest.url)
    eventually(lambda: len(ingest.samples) >= 3)
    assert running.end(signal.SIGTERM) == 0
    assert list((tmp_path / "data" / "real" / "unsent").glob("*.seg")) == []
    ingest.stop()


def saved_samples(folder: Path) -> list[protocol.Sample]:
    """What lies on disk for the next start."""
    paths = sorted(folder.glob("*.seg"))
    records = [record for path in paths for record in Segment(path).records(0) if record.kind == DATA]
    return [protocol.decode_from_agent(record.payload) for record in records]


def spilled(folder: Path) -> bool:
    return any(path.stat().st_size > 900 for path in folder.glob("*.seg"))


def test_sigterm_without_a_portal_keeps_everything_on_disk_for_the_next_start(tmp_path):
    ingest = SmallIngest().start()
    ingest.stop()
    segments = tmp_path / "data" / "real" / "unsent"
    running = Process(tmp_path, ingest.url)
    eventually(lambda: spilled(segments))
    assert running.end(signal.SIGTERM) == 0
    saved = saved_samples(segments)
    assert [sample.seq for sample in saved] == list(range(1, len(saved) + 1))
    ingest.start()
    again = Process(tmp_path, ingest.url)
    times = {sample.monotonic_ms for sample in saved}
    eventually(lambda: times <= {sample.monotonic_ms for sample in ingest.samples})
    again.end(signal.SIGTERM)
    ingest.stop()
    assert list(segments.glob("*.seg")) == []


def test_what_kill_minus_nine_left_on_disk_is_delivered_by_the_next_start(tmp_path):
    ingest = SmallIngest().start()
    ingest.stop()
    running = Process(tmp_path, ingest.url)
    segments = tmp_path / "data" / "real" / "unsent"
    eventually(lambda: spilled(segments))
    running.end(signal.SIGKILL)
    ingest.start()
    again = Process(tmp_path, ingest.url)
    eventually(lambda: len([sample for sample in ingest.samples if sample.seq == 1]) == 2)
    again.end(signal.SIGTERM)
    ingest.stop()
