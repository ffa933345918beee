"""A real server is killed while an agent sends: nothing acknowledged is lost, and it goes on afterwards."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from monitoring import protocol
from monitoring.protocol import Ack, HelloReply
from tests.monitoring.ingest.fakes import hello

REPOSITORY = Path(__file__).parents[2]
SET_UP = """
import django; django.setup()
from django.core.management import call_command; call_command("migrate", verbosity=0)
from dcportal.accounts.models import ApiToken, User
from dcportal.common.changes import create
from dcportal.common.clock import utcnow
from dcportal.common.tokens import digest_of
from dcportal.inventory.models import NodeToken
now = utcnow()
user = create(User(username="reader", role="viewer"), now)
create(ApiToken(user=user, name="t", prefix="x", digest=digest_of("reader"), scopes=["read"]), now)
create(NodeToken(name="t", prefix="x", digest=digest_of("node"), accepts_at_once=True), now)
"""


class Server:
    """uvicorn with a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DCP_")},
            "DCP_DATA_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "dcportal.settings",
        }
        subprocess.run([sys.executable, "-c", SET_UP], cwd=REPOSITORY, env=self.environment, check=True)
        self.start()

    def start(self) -> None:
        command = [
            "-m",
            "uvicorn",
            "dcportal.asgi:application",
            "--port",
            str(self.port),
            "--log-level=warning",
        ]
        self.process = subprocess.Popen([sys.executable, *command], cwd=REPOSITORY, env=self.environment)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.1)
        raise AssertionError("the server did not come up within 60 s")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def agent(self) -> ClientConnection:
        headers = {"Authorization": "Bearer node"}
        return connect(f"ws://127.0.0.1:{self.port}/ws/agent/", additional_headers=headers)

    def power(self, start: int, end: int) -> list[float | None]:
        query = f"entity=GPU-a&metric=gpu_power_draw_watts&from={start}&to={end}&points=5000"
        url = f"http://127.0.0.1:{self.port}/api/v1/telemetry/series?{query}"
        answer = httpx.get(url, headers={"Authorization": "Bearer reader"}, trust_env=False, timeout=20)
        rows = answer.json()["series"]
        return rows[0]["mean"] if rows else []


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.kill()


def greet(link: ClientConnection) -> None:
    link.send(protocol.encode(hello()))
    reply = protocol.decode_from_ingest(link.recv(timeout=20))
    assert isinstance(reply, HelloReply)
    assert reply.accepted


def send(link: ClientConnection, seconds: range) -> None:
    """Watts = 100 + the second of the range, and wait until all are acknowledged."""
    for number, second in enumerate(seconds):
        wall = second * 1000 + 100
        values = [500, 8000, (100 + number) * 1000]
        sample = protocol.Sample(0, 0, number, wall % 10**9, wall, values)
        link.send(protocol.encode(sample))
    while protocol.decode_from_ingest(link.recv(timeout=20)) != Ack(frames=len(seconds)):
        pass


def test_nothing_acknowledged_is_lost_when_ingest_is_killed(server: Server) -> None:
    now = int(time.time())
    seconds = range(now - 90, now)
    with server.agent() as link:
        greet(link)
        send(link, seconds)
        server.kill()
    server.start()
    assert server.power(seconds.start, seconds.stop) == [100.0 + number for number in range(90)]
    with server.agent() as link:
        greet(link)
        send(link, range(now, now + 1))
    assert server.power(now, now + 1) == [100.0]
