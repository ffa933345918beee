"""engine/log flood: what one runner costs while a job writes 100 MB/s, and what reaches the disk.

    python -m tests.bench.engine_log_flood [--seconds 10]

The job paces itself by the clock. CPU is user + system time of the runner's process, memory its VmHWM,
both from /proc while it lives. Peer: the same job's output into a plain file, which stays for ever.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from jobs.engines.base import LaunchRequest
from jobs.engines.local.engine import LocalEngine
from jobs.engines.local.folders import runner_of

RATE_BYTES = 100 * 10**6
FLOOD = f"""
import os, sys, time
block = (b"loss 0.123 at step 456 of this quite ordinary training run, accuracy 0.9\\n" * 1000)
start, sent = time.monotonic(), 0
while (passed := time.monotonic() - start) < float(sys.argv[1]):
    if sent < passed * {RATE_BYTES}:
        sent += os.write(1, block)
    else:
        time.sleep(0.001)
"""


def cpu_seconds(pid: int) -> float | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mebibytes(pid: int) -> float | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), None)


def row(name: str, value: float, unit: str, goal: float, note: str) -> None:
    verdict = "ok" if value <= goal else "short"
    print(f"engine/{name} | {value:.3g} {unit} | <= {goal:g} {unit} | {verdict} | {note}", flush=True)


def measure(runs: Path, seconds: float) -> None:
    engine = LocalEngine(runs)
    request = LaunchRequest(
        job_uid="flood", attempt=1, run_dir=runs / "flood/1", interpreter=Path(sys.executable),
        command=("python", "-c", FLOOD, str(seconds)),
    )  # fmt: skip
    tag = engine.submit(request.tag, request).engine_id
    runner = runner_of(engine.folder(tag))
    while runner is None:
        runner = runner_of(engine.folder(tag))
    spent, peak = 0.0, 0.0
    while not (report := engine.adopt(tag)).state.is_final:
        spent = cpu_seconds(runner.pid) or spent
        peak = max(peak, peak_mebibytes(runner.pid) or 0)
        time.sleep(0.1)
    stored = sum(path.stat().st_size for path in engine.folder(tag).logs.iterdir()) / 2**20
    dropped = (report.log_dropped_bytes or 0) / 2**20
    wrote = (report.log_bytes or 0) / 2**20 + dropped
    load = os.getloadavg()[0]
    peer = f"peer: a plain file would hold {RATE_BYTES * seconds / 2**20:.0f} MiB"
    seen = f"{wrote / seconds:.0f} MiB/s came, load {load:.1f}"
    row("flood cpu", 100 * spent / seconds, "% of a core", 50, seen)
    row("flood memory", peak, "MiB", 100, "peak of the runner")
    row("flood on disk", stored, "MiB", 272, f"{dropped:.0f} MiB dropped and said so; {peer}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10)
    runs = Path(tempfile.mkdtemp(prefix="dcportal-bench-"))
    try:
        measure(runs, parser.parse_args().seconds)
    finally:
        shutil.rmtree(runs, ignore_errors=True)


if __name__ == "__main__":
    main()
