"""A local engine on a folder of its own, and jobs that are cleared away whatever a test did."""

import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dcportal import env
from jobs.engines.base import EngineReport, LaunchRequest
from jobs.engines.local.engine import LocalEngine
from jobs.engines.runner import processes
from jobs.engines.runner.containers import mask
from jobs.engines.runner.containers.probe import probe

PATIENCE_SECONDS = 60


class Bench:
    """Launches on a local engine and waits for what comes of it, polling with a deadline."""

    def __init__(self, engine: LocalEngine, runs: Path) -> None:
        self.engine = engine
        self.runs = runs
        self.tags: list[str] = []
        # The sweep looks at the whole machine: two tests at once must not share a tag.
        self._salt = secrets.token_hex(4)

    def uid(self, name: str) -> str:
        """Job uid that `name` stands for in this test alone."""
        return f"{name}{self._salt}"

    def request(self, uid: str, *command: str, **fields) -> LaunchRequest:
        fields.setdefault("interpreter", Path(sys.executable))
        fields.setdefault("attempt", 1)
        run_dir = self.runs / self.uid(uid) / str(fields["attempt"])
        return LaunchRequest(job_uid=self.uid(uid), run_dir=run_dir, command=command or None, **fields)

    def launch(self, uid: str, *command: str, **fields) -> str:
        request = self.request(uid, *command, **fields)
        self.tags.append(request.tag)
        return self.engine.submit(request.tag, request).engine_id

    def python(self, uid: str, source: str, **fields) -> str:
        """Launch a one-rank Python program given as text."""
        return self.launch(uid, "python", "-c", source, **fields)

    def until(self, tag: str, wanted: Callable[[EngineReport], object]) -> EngineReport:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            report = self.engine.find(tag)
            assert report is not None
            if wanted(report):
                return report
            assert time.monotonic() < deadline, report
            time.sleep(0.02)

    def end_of(self, tag: str) -> EngineReport:
        return self.until(tag, lambda report: report.state.is_final)

    def until_logged(self, tag: str, text: bytes) -> None:
        self.until(tag, lambda _: text in self.log(tag))

    def log(self, tag: str, rank: str | None = None) -> bytes:
        return self.engine.logs(tag, 0, 8 * 2**20, rank).data

    def texts(self, tag: str, rank: str = "0") -> list[bytes]:
        return [line[27:] for line in self.log(tag, rank).split(b"\n") if line]

    def control(self, tag: str) -> Path:
        return self.engine.folder(tag).control

    def runner_pid(self, tag: str) -> int:
        (pid,) = self.until_value(lambda: self._pid(tag))
        return pid

    def until_value(self, read: Callable[[], list]) -> list:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := read()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return found

    def _pid(self, tag: str) -> list[int]:
        from jobs.engines.local.folders import runner_of

        identity = runner_of(self.engine.folder(tag))
        return [identity.pid] if identity else []

    def clear(self) -> None:
        for tag in self.tags:
            if self.engine.find(tag) is not None:
                self.engine.cancel(tag, 0)
                self.end_of(tag)
                assert carrying(tag) == set()
                self._until_released(tag)

    def _until_released(self, tag: str) -> None:
        """No cgroup stays behind; the runner removes it just after its last word."""
        cgroup = self.engine.find(tag).cgroup
        deadline = time.monotonic() + PATIENCE_SECONDS
        while cgroup and Path(cgroup).exists():
            assert time.monotonic() < deadline, cgroup
            time.sleep(0.02)


def carrying(tag: str) -> set[int]:
    """Living processes whose environment carries the tag."""
    uid, attempt = tag.split(".")
    pids = processes.tagged({"DCP_JOB_ID": uid, "DCP_ATTEMPT": attempt}, processes.everything())
    return {pid for pid in pids if (found := processes.stat(pid)) and not found.is_gone}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def bench(runs: Path) -> Iterator[Bench]:
    """On the best container level of this machine."""
    made = Bench(LocalEngine(runs), runs)
    yield made
    made.clear()


@pytest.fixture(params=["cgroup", "namespace", "namespace without bubblewrap", "sweep"])
def any_bench(request: pytest.FixtureRequest, runs: Path, monkeypatch) -> Iterator[Bench]:
    """On each container level that this machine offers."""
    level = request.param.split()[0]
    if "without" in request.param:
        monkeypatch.setattr(mask, "program", lambda: None)
    if probe(level).level != level:
        pytest.skip(f"this machine has no {request.param} level")
    made = Bench(LocalEngine(runs, level=level), runs)
    yield made
    made.clear()


@pytest.fixture
def trainer_python() -> Path:
    interpreter = env.trainer_python()
    if not interpreter.exists():
        pytest.skip("no trainer environment; set DCP_TRAINER_PYTHON")
    return interpreter


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=3m none {place} 2>/dev/null") != 0:
        pytest.skip("needs root to mount a small tmpfs")
    yield place
    os.system(f"umount -l {place}")
    shutil.rmtree(place, ignore_errors=True)
