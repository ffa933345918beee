"""`/ws/live/` on the real ASGI application: refusals first."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.test import Client

from dcportal.accounts.models import ApiToken, User
from dcportal.asgi import application
from dcportal.common.changes import create
from dcportal.common.tokens import digest_of
from dcportal.inventory.models import Node
from monitoring import consumers
from monitoring import hub as hub_module
from monitoring.frames import Frame, Legend, Series, unpack
from monitoring.hub import MAX_TOPICS_PER_BROWSER, hub, register_topic

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 24, tzinfo=UTC)


class Browser(WebsocketCommunicator):
    """A page's socket."""

    async def say(self, message: Any) -> None:
        await self.send_to(text_data=message if isinstance(message, str) else json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        """The next JSON message that is no pulse."""
        while True:
            message = json.loads(await self.receive_from(timeout=10))
            if message["type"] != "pulse":
                return message

    async def subscribe(self, topic: str) -> dict[str, Any]:
        await self.say({"type": "subscribe", "topic": topic})
        return await self.hear()

    async def closed(self) -> int:
        while (message := await self.receive_output(timeout=10))["type"] != "websocket.close":
            pass
        return int(message["code"])


@pytest.fixture
async def open_page(person: Callable[[str], User]) -> AsyncIterator[Callable[..., Any]]:
    """`await open_page("viewer")` opens a socket with that person's session."""
    opened: list[Browser] = []

    async def connect(
        name: str | None = "viewer", origin: str = "http://localhost", headers: Any = ()
    ) -> Browser:
        cookie = await sync_to_async(_cookie)(name, person)
        all_headers = [(b"origin", origin.encode()), (b"host", b"localhost"), *headers, *cookie]
        page = Browser(application, "/ws/live/", headers=all_headers)
        page.accepted, _ = await page.connect(timeout=10)  # type: ignore[attr-defined]
        opened.append(page)
        return page

    yield connect
    for page in opened:
        await page.disconnect(timeout=10)


def _cookie(name: str | None, person: Callable[[str], User]) -> list[tuple[bytes, bytes]]:
    if name is None:
        return []
    client = Client()
    client.force_login(person(name), backend="django.contrib.auth.backends.ModelBackend")
    return [(b"cookie", f"dcp_session={client.cookies['dcp_session'].value}".encode())]


@pytest.fixture
def secret_topic(monkeypatch: pytest.MonkeyPatch) -> str:
    """A topic that only people of the team "research" may watch."""
    monkeypatch.setattr(hub_module, "_topics", dict(hub_module._topics))
    register_topic(
        "secret", lambda actor, key: bool(actor.teams) and key == "x", lambda actor, key: {"state": 1}
    )
    return "secret:x"


# Refusals


async def test_without_a_session_the_socket_is_closed(open_page: Callable[..., Any]) -> None:
    page = await open_page(None)
    assert await page.closed() == consumers.CLOSE_SIGNED_OUT


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_a_foreign_origin_gets_no_socket(open_page: Callable[..., Any], origin: str) -> None:
    assert not (await open_page("viewer", origin)).accepted


async def test_a_forged_session_is_no_session(open_page: Callable[..., Any]) -> None:
    page = await open_page(None, headers=[(b"cookie", b"dcp_session=guessed")])
    assert await page.closed() == consumers.CLOSE_SIGNED_OUT


async def test_a_foreign_topic_and_a_missing_one_are_denied_alike(
    open_page: Callable[..., Any], secret_topic: str
) -> None:
    page = await open_page("operator")
    foreign, missing = await page.subscribe(secret_topic), await page.subscribe("nothing:x")
    assert foreign == {"type": "denied", "topic": secret_topic, "code": "not_found"}
    assert missing["code"] == foreign["code"]


async def test_who_is_denied_hears_nothing_of_the_topic(
    open_page: Callable[..., Any], secret_topic: str
) -> None:
    page = await open_page("operator")
    await page.subscribe(secret_topic)
    hub.publish_event(secret_topic, {"seq": 1})
    assert await page.receive_nothing(timeout=0.2)


GARBAGE = [
    *(" ", "{", "[]", "null", '"subscribe"', "[" * 4000, "x" * 100_000),
    *('{"type":"subscribe"}', '{"type":"subscribe","topic":5}', '{"type":"shutdown","topic":"overview"}'),
]


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_a_malformed_message_is_answered_and_the_socket_lives(
    open_page: Callable[..., Any], garbage: str
) -> None:
    page = await open_page("viewer")
    await page.say(garbage)
    assert await page.hear() == {"type": "error", "code": "malformed_message"}
    assert (await page.subscribe("overview"))["type"] == "subscribed"


async def test_binary_messages_are_malformed(open_page: Callable[..., Any]) -> None:
    page = await open_page("viewer")
    await page.send_to(bytes_data=b"\x00\x01")
    assert (await page.hear())["code"] == "malformed_message"


async def test_subscriptions_are_capped(
    open_page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "_topics", {})
    register_topic("t", lambda actor, key: True, lambda actor, key: None)
    page = await open_page("viewer")
    for number in range(MAX_TOPICS_PER_BROWSER):
        assert (await page.subscribe(f"t:{number}"))["type"] == "subscribed"
    assert (await page.subscribe("t:more"))["code"] == "too_many_topics"
    assert (await page.subscribe("t:0"))["type"] == "subscribed"


async def test_who_is_switched_off_is_cut_off(
    open_page: Callable[..., Any], person: Callable[[str], User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.05)
    page = await open_page("viewer")
    await User.objects.filter(username="viewer").aupdate(is_active=False)
    assert await page.closed() == consumers.CLOSE_SIGNED_OUT


async def test_who_signed_out_is_cut_off(
    open_page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.contrib.sessions.models import Session

    monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.05)
    page = await open_page("viewer")
    await Session.objects.all().adelete()
    assert await page.closed() == consumers.CLOSE_SIGNED_OUT


async def test_who_leaves_the_team_loses_the_topic(
    open_page: Callable[..., Any], secret_topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dcportal.accounts.models import Membership

    monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.05)
    page = await open_page("owner")
    assert (await page.subscribe(secret_topic))["type"] == "subscribed"
    await Membership.objects.all().adelete()
    while (message := await page.hear())["type"] != "denied":
        pass
    assert message["topic"] == secret_topic
    assert hub.watched("secret") == []


# Tokens


@pytest.mark.parametrize(("scopes", "is_let_in"), [(["read"], True), (["jobs"], False)])
async def test_a_token_needs_the_scope_read(
    open_page: Callable[..., Any], person: Callable[[str], User], scopes: list[str], is_let_in: bool
) -> None:
    await sync_to_async(_token)(person, scopes)
    page = await open_page(None, headers=[(b"authorization", b"Bearer dcp_api_x")])
    if is_let_in:
        assert (await page.subscribe("overview"))["type"] == "subscribed"
    else:
        assert await page.closed() == consumers.CLOSE_SIGNED_OUT


async def test_an_expired_token_is_no_token(
    open_page: Callable[..., Any], person: Callable[[str], User]
) -> None:
    await sync_to_async(_token)(person, ["read"], datetime.now(UTC) - timedelta(seconds=1))
    page = await open_page(None, headers=[(b"authorization", b"Bearer dcp_api_x")])
    assert await page.closed() == consumers.CLOSE_SIGNED_OUT


def _token(person: Callable[[str], User], scopes: list[str], expires_at: datetime | None = None) -> None:
    fields = {"digest": digest_of("dcp_api_x"), "scopes": scopes, "role": "viewer", "expires_at": expires_at}
    create(ApiToken(user=person("viewer"), name="t", prefix="x", **fields), NOW)


# What a page gets


async def test_a_snapshot_follows_the_subscription(open_page: Callable[..., Any]) -> None:
    node = await sync_to_async(create)(Node(name="node-a", liveness="live"), NOW)
    page = await open_page("viewer")
    assert await page.subscribe(f"node:{node.uid}") == {"type": "subscribed", "topic": f"node:{node.uid}"}
    snapshot = await page.hear()
    assert snapshot["type"] == "snapshot"
    assert [(each["name"], each["liveness"]) for each in snapshot["nodes"]] == [("node-a", "live")]


@pytest.mark.parametrize("topic", ["node:nobody", "rack:nobody", "overview:x", "node:"])
async def test_what_does_not_exist_is_denied(open_page: Callable[..., Any], topic: str) -> None:
    page = await open_page("viewer")
    assert (await page.subscribe(topic))["type"] == "denied"


async def test_the_layout_is_told_once(open_page: Callable[..., Any]) -> None:
    page = await open_page("viewer")
    await joined(page)
    headers = [await next_header(page, seq) for seq in (1, 2)]
    assert [("series" in header, header["seq"]) for header in headers] == [(True, 1), (False, 2)]


async def test_who_asks_again_is_told_the_layout_again(open_page: Callable[..., Any]) -> None:
    page = await open_page("viewer")
    await joined(page)
    await next_header(page, 1)
    await joined(page)
    assert "series" in await next_header(page, 2)


async def test_after_unsubscribing_it_is_quiet(open_page: Callable[..., Any]) -> None:
    page = await open_page("viewer")
    await joined(page)
    await page.say({"type": "unsubscribe", "topic": "overview"})
    async with asyncio.timeout(5):
        while hub.watched("overview"):
            await asyncio.sleep(0.01)


async def test_a_browser_that_left_is_forgotten(open_page: Callable[..., Any]) -> None:
    page = await open_page("viewer")
    await joined(page)
    before = hub.browsers()
    await page.disconnect(timeout=10)
    assert (hub.browsers(), hub.watched("overview")) == (before - 1, [])


async def test_a_stalled_reader_is_given_up_and_counted(
    open_page: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*args: object, **more: object) -> None:
        await asyncio.Event().wait()

    page = await open_page("viewer")
    await joined(page)
    before = hub.counts.stalled
    monkeypatch.setattr(consumers, "SEND_SECONDS", 0.05)
    monkeypatch.setattr(consumers.LiveConsumer, "send", never)
    hub.publish_frame(frame(1))
    async with asyncio.timeout(10):
        while hub.counts.stalled == before:
            await asyncio.sleep(0.01)
    assert hub.watched("overview") == []


async def joined(page: Browser) -> None:
    assert (await page.subscribe("overview"))["type"] == "subscribed"
    assert (await page.hear())["type"] == "snapshot"


def frame(seq: int) -> Frame:
    legend = Legend((Series("n/cpu_utilisation_ratio", "ratio"),))
    return Frame("overview", seq, 1_800_000_000 + seq, legend, np.zeros((1, 5), np.float32))


async def next_header(page: Browser, seq: int) -> dict[str, Any]:
    hub.publish_frame(frame(seq))
    return unpack(await page.receive_from(timeout=10))[0]
