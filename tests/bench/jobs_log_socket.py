"""How long a log line takes from the file to a reader of `/ws/jobs/<uid>/logs/`. `make bench ONLY=jobs_log`.

The real ASGI application in this process; 10 readers of one log, a line every 50 ms. Wall time: worth
something on a quiet machine only, so the load average is printed beside it. Peer: the poll interval itself.
"""

# ruff: noqa: E402
import asyncio
import atexit
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

FOLDER = tempfile.mkdtemp(prefix="dcp-bench-")
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
os.environ["DCP_DATA_DIR"] = FOLDER
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.core.management import call_command
from django.test import Client

from dcportal.accounts.models import User
from dcportal.asgi import application
from dcportal.common.clock import utcnow
from jobs.consumers import LOOK_SECONDS
from jobs.engines.runner import loglines
from jobs.models import Attempt, Job
from tests.bench.jobs_list import fill, person

READERS, LINES, EVERY_SECONDS = 10, 200, 0.05
GOAL_SECONDS = 1.0


def prepared() -> tuple[str, bytes, Path]:
    """Address of the socket, cookie of the reader, and the log file."""
    call_command("migrate", verbosity=0)
    user = person("user0")
    fill([user] * 10, 1)
    job, now = Job.objects.get(), utcnow()
    folder = Path(FOLDER) / "run/work/logs"
    folder.mkdir(parents=True)
    Attempt.objects.create(
        job=job, number=1, tag="x.1", engine="bench", state="running", run_dir=str(folder.parents[1]),
        created_at=now, updated_at=now,
    )  # fmt: skip
    return f"/ws/jobs/{job.uid}/logs/", cookie(user), folder / "0000000000000000.log"


def cookie(user: User) -> bytes:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return f"dcp_session={client.cookies['dcp_session'].value}".encode()


async def read(path: str, session: bytes, delays: list[float]) -> None:
    headers = [(b"origin", b"http://localhost"), (b"host", b"localhost"), (b"cookie", session)]
    page = WebsocketCommunicator(application, path, headers=headers)
    await page.connect(timeout=30)
    seen = 0
    while seen < LINES:
        message = json.loads(await page.receive_from(timeout=30))
        for line in message["text"].splitlines():
            delays.append(time.time() - float(line.rpartition(" ")[2]))
            seen += 1
    await page.disconnect()


async def write(path: Path) -> None:
    for _ in range(LINES):
        with path.open("ab") as file:
            file.write(loglines.formed(loglines.stamp(time.time()), b"0", b"%.6f" % time.time()))
        await asyncio.sleep(EVERY_SECONDS)


async def main() -> None:
    address, session, log = await sync_to_async(prepared)()
    delays: list[float] = []
    readers = [asyncio.create_task(read(address, session, delays)) for _ in range(READERS)]
    await asyncio.sleep(1.0)
    await write(log)
    await asyncio.gather(*readers)
    p95 = sorted(delays)[int(len(delays) * 0.95)]
    load = os.getloadavg()[0]
    print(
        f"jobs/log-line-to-socket-p95 | {p95:.3f} s quiet | <= {GOAL_SECONDS:.0f} s quiet | "
        f"{'ok' if p95 <= GOAL_SECONDS else 'short'} | poll interval {LOOK_SECONDS} s, load {load:.1f}"
    )


if __name__ == "__main__":
    asyncio.run(main())
