"""`manage.py portal` as a whole, on real processes: ready, mended, refused twice, stopped in order."""

import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from dcportal.setup import places

DEADLINE_SECONDS = 90.0


class Portal:
    """One `manage.py portal` in a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.environment = {
            **os.environ,
            "DCP_DATA_DIR": str(folder),
            "DCP_BIND": f"127.0.0.1:{self.port}",
            "DJANGO_SETTINGS_MODULE": "dcportal.settings",
            "TORCH": "skip",
            "SSH_CONNECTION": "198.51.100.7 50111 203.0.113.9 22",
        }
        self.manage("migrate", "-v0")
        self.lines: list[str] = []
        self._queue: queue.Queue[str] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "portal"],
            cwd=places.REPOSITORY,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._pump, daemon=True).start()

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=places.REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
        )

    def _pump(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(line)

    def until(self, pattern: str) -> str:
        """The next line that holds `pattern`."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            try:
                line = self._queue.get(timeout=max(0.1, deadline - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"no line with {pattern!r} in:\n{''.join(self.lines)}")
            self.lines.append(line)
            if re.search(pattern, line):
                return line

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def program(self, word: str) -> psutil.Process | None:
        """The child whose command line holds `word`."""
        for child in psutil.Process(self.process.pid).children():
            if word in " ".join(child.cmdline()):
                return child
        return None


def eventually(question: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not question():
        assert time.monotonic() < deadline, "did not happen"
        time.sleep(0.1)


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    running = Portal(tmp_path / "data")
    yield running
    running.process.kill()
    running.process.wait()


def test_the_portal_from_start_to_stop(portal: Portal) -> None:
    """One start serves several questions: it costs seconds."""
    portal.until("dcportal is ready")
    link = portal.until("sign in").split()[2]
    assert link.startswith(f"http://127.0.0.1:{portal.port}/link/")
    assert "ssh -L" in portal.until("from your computer")
    assert portal.answers()

    second = portal.manage("portal")
    assert second.returncode == 1
    assert f"pid {portal.process.pid} at http://127.0.0.1:{portal.port}" in second.stderr

    web = portal.program("uvicorn")
    assert web is not None
    web.kill()
    portal.until(r"web ended \(killed by SIGKILL\), starting it again in 0.5 s")
    eventually(portal.answers)

    agent = portal.program("monitoring.agent")
    assert agent is not None
    portal.process.send_signal(signal.SIGINT)
    portal.until("stopped: web, scheduler, agent")
    assert portal.process.wait(DEADLINE_SECONDS) == 0
    assert not agent.is_running()
    assert not portal.answers()
