"""The log socket and the topic `job:<uid>` on the real ASGI application: refusals first."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.test import Client

from dcportal.accounts.models import Membership, User
from dcportal.asgi import application
from dcportal.common.clock import utcnow
from jobs import actions, consumers
from jobs.engines.runner import loglines
from jobs.models import Attempt, Job

pytestmark = pytest.mark.django_db(transaction=True)


class Page(WebsocketCommunicator):
    async def hear(self, wanted: str) -> dict[str, Any]:
        """The next message of this type."""
        while True:
            message = json.loads(await self.receive_from(timeout=15))
            if message["type"] == wanted:
                return message

    async def closed(self) -> int:
        while (message := await self.receive_output(timeout=15))["type"] != "websocket.close":
            pass
        return int(message["code"])


@pytest.fixture
async def page(person: Callable[[str], User]) -> AsyncIterator[Callable[..., Any]]:
    opened: list[Page] = []

    async def connect(who: str | None, path: str, origin: str = "http://localhost") -> Page:
        headers = [(b"origin", origin.encode()), (b"host", b"localhost")]
        if who is not None:
            headers.append((b"cookie", await sync_to_async(_cookie)(who, person)))
        made = Page(application, path, headers=headers)
        made.accepted, _ = await made.connect(timeout=15)  # type: ignore[attr-defined]
        opened.append(made)
        return made

    yield connect
    for each in opened:
        await each.disconnect(timeout=15)


def _cookie(who: str, person: Callable[[str], User]) -> bytes:
    client = Client()
    client.force_login(person(who), backend="django.contrib.auth.backends.ModelBackend")
    return f"dcp_session={client.cookies['dcp_session'].value}".encode()


class Log:
    """The log of a job's attempt, written by the test."""

    def __init__(self, job: Job, root: Path) -> None:
        self.job = job
        self.folder = root / "work/logs"
        self.folder.mkdir(parents=True)
        self.count = 0
        now = utcnow()
        self.attempt = Attempt.objects.create(
            job=job,
            number=1,
            tag=f"{job.uid}.1",
            engine="fake",
            state="running",
            run_dir=str(root),
            created_at=now,
            updated_at=now,
        )

    def write(self, text: bytes) -> None:
        with (self.folder / "0000000000000000.log").open("ab") as file:
            file.write(loglines.formed(loglines.stamp(1764079000.0 + self.count), b"0", text))
        self.count += 1

    def end(self) -> None:
        Attempt.objects.filter(pk=self.attempt.pk).update(state="succeeded")
        Job.objects.filter(pk=self.job.pk).update(state="succeeded", ended_at=utcnow())


@pytest.fixture
def log(submitted: Callable[..., Job], tmp_path: Path) -> Log:
    return Log(submitted("owner"), tmp_path / "run")


def address(log: Log, query: str = "") -> str:
    return f"/ws/jobs/{log.job.uid}/logs/{query}"


async def test_strangers_and_nobody_get_no_log(page: Any, log: Log) -> None:
    assert await (await page("stranger", address(log))).closed() == consumers.CLOSE_NOT_FOUND
    assert await (await page(None, address(log))).closed() == consumers.CLOSE_SIGNED_OUT


async def test_a_job_that_is_not_there_is_not_found(page: Any, log: Log) -> None:
    assert await (await page("owner", "/ws/jobs/nope/logs/")).closed() == consumers.CLOSE_NOT_FOUND


async def test_a_foreign_origin_gets_no_socket(page: Any, log: Log) -> None:
    assert not (await page("owner", address(log), "https://evil.example")).accepted


@pytest.mark.parametrize("query", ["?offset=x", "?attempt=0", "?offset=" + "9" * 40])
async def test_a_wrong_parameter_closes(query: str, page: Any, log: Log) -> None:
    assert await (await page("owner", address(log, query))).closed() == consumers.CLOSE_BAD_PARAMETER


async def test_lines_arrive_as_they_are_written(page: Any, log: Log) -> None:
    log.write(b"before")
    opened = await page("viewer", address(log))
    first = await opened.hear("window")
    assert first["text"].endswith("0 before\n")
    log.write(b"after \x1b[31mred\x1b[0m <script>\xff\x00")
    second = await opened.hear("window")
    assert second["offset"] == first["next_offset"]
    assert "<script>\ufffd\ufffd\n" in second["text"]


async def test_a_reader_goes_on_where_it_was(page: Any, log: Log) -> None:
    log.write(b"one")
    first = await (await page("owner", address(log))).hear("window")
    log.write(b"two")
    again = await (await page("owner", address(log, f"?offset={first['next_offset']}"))).hear("window")
    assert again["text"].endswith("0 two\n")
    assert "one" not in again["text"]


async def test_the_end_is_told_after_the_last_line(
    page: Any, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "CHECK_SECONDS", 0.0)
    log.write(b"last words")
    await sync_to_async(log.end)()
    opened = await page("owner", address(log))
    assert (await opened.hear("window"))["text"].endswith("last words\n")
    assert (await opened.hear("end"))["state"] == "succeeded"
    assert await opened.closed() == consumers.CLOSE_DONE


async def test_who_loses_the_right_loses_the_socket(
    page: Any, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "CHECK_SECONDS", 0.0)
    opened = await page("teammate", address(log))
    await sync_to_async(Membership.objects.filter(user__username="teammate").delete)()
    assert await opened.closed() == consumers.CLOSE_NOT_FOUND


async def subscribed(page: Any, who: str, topic: str) -> Page:
    opened: Page = await page(who, "/ws/live/")
    await opened.send_to(text_data=json.dumps({"type": "subscribe", "topic": topic}))
    return opened


async def test_a_job_topic_is_denied_to_strangers(page: Any, log: Log) -> None:
    opened = await subscribed(page, "stranger", f"job:{log.job.uid}")
    assert (await opened.hear("denied"))["code"] == "not_found"


async def test_events_reach_the_page_in_order(page: Any, log: Log, actor_named: Any) -> None:
    opened = await subscribed(page, "owner", f"job:{log.job.uid}")
    snapshot = await opened.hear("snapshot")
    assert [event["code"] for event in snapshot["events"]] == ["job_queued"]

    def act() -> None:
        job = Job.objects.get(pk=log.job.pk)
        actions.hold(actor_named("owner"), job, utcnow())
        actions.release(actor_named("owner"), job, utcnow())

    await sync_to_async(act)()
    codes = []
    while len(codes) < 2:
        message = await opened.hear("event")
        if "event" in message and isinstance(message["event"], dict):
            codes.append((message["seq"], message["event"]["code"]))
    assert codes == [(2, "hold_requested"), (3, "release_requested")]


async def test_notices_are_for_oneself(page: Any, log: Log, person: Any) -> None:
    other = await sync_to_async(person)("owner")
    opened = await subscribed(page, "teammate", f"notices:{other.uid}")
    assert (await opened.hear("denied"))["code"] == "not_found"
