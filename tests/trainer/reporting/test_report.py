"""`trainer.report` as user scripts use it: in processes of their own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def run(script, events=None, **more):
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **more}
    if events:
        environ["DCP_EVENTS"] = str(events)
    return subprocess.run(
        [sys.executable, "-c", script], env=environ, text=True, capture_output=True, timeout=60
    )


def events_of(folder, rank=0):
    return [json.loads(line) for line in (folder / f"{rank}.jsonl").read_text().splitlines()]


def test_outside_a_job_every_call_does_nothing():
    done = run(
        "from trainer import report\n"
        "report.step(1, loss=1.0); report.evaluation(1, accuracy=1); report.checkpoint('x', 1)\n"
        "with report.phase('data'): pass\n"
        "print(report.stop_requested(), report.resume_from())"
    )
    assert done.stdout == "False None\n", done.stderr


def test_a_script_reports_steps_evaluations_phases_and_checkpoints(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"12345")
    script = (
        "from trainer import report\n"
        "with report.phase('data'): pass\n"
        "report.step(1, total=10, loss=2)\n"
        "report.evaluation(1, accuracy=0.5)\n"
        f"report.checkpoint({str(tmp_path / 'model.bin')!r}, 1)\n"
    )
    done = run(script, tmp_path, RANK="1", TORCHELASTIC_RESTART_COUNT="3")
    assert done.returncode == 0, done.stderr
    lines = events_of(tmp_path, rank=1)
    assert [line["kind"] for line in lines] == ["phase", "phase", "step", "eval", "checkpoint"]
    assert lines[2]["total_steps"] == 10
    assert lines[2]["metrics"] == {"loss": 2.0}
    assert lines[4]["bytes"] == 5
    assert all((line["rank"], line["restart"]) == (1, 3) for line in lines)


def test_importing_pulls_in_nothing_heavy(tmp_path):
    heavy = "{'torch', 'numpy', 'django', 'asyncio', 'inspect', 'dataclasses', 'typing', 'signal', 'enum'}"
    done = run(f"import sys; before=set(sys.modules); from trainer import report\n"
               f"print(sorted({heavy} & (set(sys.modules) - before)))", tmp_path)  # fmt: skip
    assert done.stdout == "[]\n", done.stderr


def test_a_folder_that_cannot_be_written_does_not_stop_the_script(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = run("from trainer import report; report.step(1, loss=1); print('on')", blocked)
    assert done.stdout == "on\n", done.stderr


def test_sigterm_becomes_a_request_to_stop():
    script = (
        "import os, signal\nfrom trainer import report\n"
        "assert not report.stop_requested()\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "raise SystemExit(report.STOPPED if report.stop_requested() else 1)"
    )
    assert run(script).returncode == 75


def test_before_it_is_asked_for_sigterm_ends_the_script_as_usual():
    script = "import os, signal\nfrom trainer import report\nos.kill(os.getpid(), signal.SIGTERM)"
    assert run(script).returncode == -signal.SIGTERM


def test_a_heartbeat_carries_the_newest_step(tmp_path):
    script = (
        "import time\nfrom trainer import report\nfrom trainer.event_writer import EventWriter\n"
        f"writer = EventWriter({str(tmp_path)!r})\n"
        "ended = report.start_heartbeat(writer, every_seconds=0.01)\n"
        "writer.step(7, 7, {})\n"
        "deadline = time.monotonic() + 30\n"
        f'while \'"heartbeat","step":7\' not in open({str(tmp_path / "0.jsonl")!r}).read():\n'
        "    assert time.monotonic() < deadline\n    time.sleep(0.005)\n"
        "ended.set()"
    )
    assert run(script).returncode == 0
