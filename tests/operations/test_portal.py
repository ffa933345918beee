"""`manage.py portal` as a whole, on real processes: ready, mended, refused twice, stopped in order."""

import contextlib
import os
import queue
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from dcportal.operations import guard
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
        self._reader = threading.Thread(target=self._pump, daemon=True)
        self._reader.start()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _pump(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(line)

    def until(self, pattern: str) -> str:
        """The next line that holds `pattern`."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            is_over = self.process.poll() is not None
            with contextlib.suppress(queue.Empty):
                line = self._queue.get(timeout=0.2)
                self.lines.append(line)
                if re.search(pattern, line):
                    return line
                continue
            if is_over:
                break
        pytest.fail(f"no line with {pattern!r} in:\n{''.join(self.lines)}")

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
def folder(tmp_path: Path, db: None, settings: Settings) -> Path:
    """A data folder with a migrated, empty database: copied, because migrating costs seconds."""
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as migrated:
        migrated.execute("VACUUM INTO ?", (str(settings.DATA_DIR / "dcportal.sqlite3"),))
    return Path(settings.DATA_DIR)


@pytest.fixture
def portal(folder: Path) -> Iterator[Portal]:
    running = Portal(folder)
    yield running
    running.close()


def test_the_portal_from_start_to_stop(portal: Portal) -> None:
    """One start serves several questions: it costs seconds."""
    portal.until("dcportal is ready")
    link = portal.until("sign in").split()[2]
    assert link.startswith(f"http://127.0.0.1:{portal.port}/link/")
    assert "ssh -L" in portal.until("from your computer")
    assert portal.answers()

    with pytest.raises(guard.Refused, match=f"pid {portal.process.pid} at http://127.0.0.1:{portal.port}"):
        guard.hold_instance_lock()

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
