"""engine/cancel: from the call of cancel to a report that nothing is left, for the worst-behaved job.

    python -m tests.bench.engine_cancel [--runs 30] [--grace 1.0]

The job double-forks, calls setsid and ignores SIGTERM, so the whole grace always passes and the kill is
what ends it. The verdict comes from the report; that no process carries the tag is checked apart. Peer:
signalling the process group after the grace, as launchers commonly do, and counting who is left.
"""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jobs.engines.base import LaunchRequest
from jobs.engines.local.engine import LocalEngine
from jobs.engines.runner import processes
from jobs.engines.runner.containers.probe import LEVELS, probe

WORST = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    print("up", flush=True)
    time.sleep(600)
time.sleep(600)
"""
LOOK_SECONDS = 0.02


def carrying(variables: dict[str, str]) -> int:
    """How many living processes carry these variables."""
    pids = processes.tagged(variables, processes.everything())
    return sum((found := processes.stat(pid)) is not None and not found.is_gone for pid in pids)


def cancelled_after(engine: LocalEngine, runs: Path, number: int, grace: float) -> tuple[float, int]:
    """(seconds from cancel to its final report, processes left at that moment)."""
    uid = f"bench{number:04d}"
    request = LaunchRequest(
        job_uid=uid, attempt=1, run_dir=runs / uid / "1",
        interpreter=Path(sys.executable), command=("python", "-c", WORST),
    )  # fmt: skip
    tag = engine.submit(request.tag, request).engine_id
    while b"up" not in engine.logs(tag, 0).data:
        time.sleep(LOOK_SECONDS)
    started = time.monotonic()
    engine.cancel(tag, grace)
    while not engine.adopt(tag).state.is_final:
        time.sleep(LOOK_SECONDS)
    return time.monotonic() - started, carrying({"DCP_JOB_ID": uid, "DCP_ATTEMPT": "1"})


def left_by_group_kill(grace: float) -> int:
    """The usual way: SIGTERM to the process group, grace, SIGKILL to the group. How many live on."""
    variables = {"DCP_JOB_ID": "benchpeer", "DCP_ATTEMPT": "1"}
    job = subprocess.Popen(
        [sys.executable, "-c", WORST], env=variables, stdout=subprocess.PIPE, start_new_session=True
    )
    assert job.stdout is not None
    job.stdout.readline()
    os.killpg(job.pid, signal.SIGTERM)
    time.sleep(grace)
    os.killpg(job.pid, signal.SIGKILL)
    job.wait()
    time.sleep(0.2)
    left = carrying(variables)
    processes.kill(processes.tagged(variables, processes.everything()))
    return left


def measure(level: str, runs_count: int, grace: float, peer: str) -> None:
    runs = Path(tempfile.mkdtemp(prefix="dcportal-bench-"))
    try:
        engine = LocalEngine(runs, level=level)
        results = [cancelled_after(engine, runs, number, grace) for number in range(runs_count)]
    finally:
        shutil.rmtree(runs, ignore_errors=True)
    seconds = sorted(value for value, _ in results)
    p95 = seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))]
    left = sum(count for _, count in results)
    verdict = "ok" if p95 <= grace + 1 and left == 0 else "short"
    load = os.getloadavg()[0]
    print(
        f"engine/cancel p95, {level} | {p95:.2f} s | <= {grace + 1:g} s (grace {grace:g} s + 1 s), 0 left | "
        f"{verdict} | {left} left of {len(seconds)} runs, median {statistics.median(seconds):.2f} s; "
        f"{peer}; quiet, load {load:.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--grace", type=float, default=1.0)
    arguments = parser.parse_args()
    peer = f"peer: SIGKILL to the process group leaves {left_by_group_kill(arguments.grace)} alive"
    for level in LEVELS:
        if probe(level).level == level:
            measure(level, arguments.runs, arguments.grace, peer)
        else:
            print(f"engine/cancel p95, {level} | not offered by this machine")


if __name__ == "__main__":
    main()
