"""Webhooks: signed, retried, and never sent into the portal's own network."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from dcportal.audit.models import AuditEntry
from dcportal.common.actors import Actor
from dcportal.common.problems import Forbidden, Invalid
from dcportal.notify import actions, addresses, outbox, queries, sending
from dcportal.notify.delivery import DELAYS, Courier
from dcportal.notify.models import Delivery, Notice, Webhook
from dcportal.notify.sending import Answer, Message

Named = Callable[[str], Actor]


class Receiver(HTTPServer):
    """Keeps what it is sent; answers with `status`."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.seen: list[tuple[dict[str, str], bytes]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCP_WEBHOOK_ALLOW", "127.0.0.1")


@pytest.fixture
def hook(db: None, actor_named: Named, person: Any, team_named: Any, now: datetime) -> Callable[..., Any]:
    def make(url: str) -> tuple[Webhook, str]:
        return actions.add_webhook(actor_named("owner"), team_named("research"), "chat", url, now)

    return make


def tell(person: Any, team_named: Any, now: datetime) -> None:
    outbox.put(
        event="job.ended",
        team=team_named("research"),
        owner=person("owner"),
        subject_uid="abcabcabcabc",
        payload={"state": "succeeded"},
        now=now,
    )


def test_a_message_arrives_signed(
    receiver: Receiver, allowed: None, hook: Any, person: Any, team_named: Any, now: datetime
) -> None:
    _row, secret = hook(f"http://127.0.0.1:{receiver.server_port}/in?x=1")
    tell(person, team_named, now)
    courier = Courier()
    courier.pump(now)
    courier.wait()
    courier.pump(now)
    ((headers, body),) = receiver.seen
    stamp = int(headers["X-DCP-Timestamp"])
    assert headers["X-DCP-Signature"] == sending.signature(secret, stamp, body)
    assert json.loads(body)["data"] == {"state": "succeeded"}
    assert Delivery.objects.get().delivered_at == now


@pytest.mark.django_db
def test_a_failing_receiver_is_tried_again_and_given_up(
    allowed: None, hook: Any, person: Any, team_named: Any, now: datetime
) -> None:
    hook("http://127.0.0.1:9/")
    tell(person, team_named, now)
    courier, at, tries = Courier(lambda message, stamp: Answer(500, "status 500")), now, 0
    while Delivery.objects.get().given_up_at is None:
        courier.pump(at)
        courier.wait()
        courier.pump(at)
        at, tries = at + timedelta(hours=7), tries + 1
    assert (Delivery.objects.get().tries, tries) == (len(DELAYS) + 1, len(DELAYS) + 1)


def test_a_redirect_is_not_followed(receiver: Receiver, allowed: None) -> None:
    receiver.status = 302
    message = Message("u", f"http://127.0.0.1:{receiver.server_port}/", "s", "job.ended", {})
    assert sending.send(message, 1) == Answer(302, "status 302")


@pytest.mark.parametrize(
    ("url", "found", "code"),
    [
        ("https://internal.example/", ["10.0.0.5"], "webhook_private"),
        ("https://meta.example/", ["169.254.169.254"], "webhook_private"),
        ("https://loop.example/", ["127.0.0.1"], "webhook_private"),
        ("https://six.example/", ["::1"], "webhook_private"),
        ("https://mapped.example/", ["::ffff:10.0.0.1"], "webhook_private"),
        ("https://both.example/", ["93.184.216.34", "10.0.0.5"], "webhook_private"),
        ("http://plain.example/", ["93.184.216.34"], "webhook_plain_http"),
        ("https://nowhere.example/", [], "webhook_unresolved"),
        ("ftp://x.example/", ["93.184.216.34"], "webhook_not_an_address"),
        ("https://user:pw@x.example/", ["93.184.216.34"], "webhook_not_an_address"),
        ("https://x.example:99999/", ["93.184.216.34"], "webhook_not_an_address"),
        ("https:///x", ["93.184.216.34"], "webhook_not_an_address"),
        ("https://x.example/\r\nX: y", ["93.184.216.34"], "webhook_not_an_address"),
    ],
)
def test_where_webhooks_may_not_go(url: str, found: list[str], code: str) -> None:
    with pytest.raises(addresses.AddressRefused) as refusal:
        addresses.check(url, lambda host, port: found)
    assert refusal.value.code == code


def test_a_public_address_by_https_is_pinned() -> None:
    target = addresses.check("https://x.example/in", lambda host, port: ["93.184.216.34"])
    assert (target.ip, target.host, target.port, target.path) == ("93.184.216.34", "x.example", 443, "/in")


def test_the_address_is_checked_again_when_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_resolve", lambda host, port: ["127.0.0.1"])
    message = Message("u", "https://rebound.example/", "s", "job.ended", {})
    assert sending.send(message, 1) == Answer(None, "webhook_private")


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "nonsense", 7, None, "https://10.1.1.1/"])
def test_a_wrong_address_is_refused_at_the_door(
    url: Any, db: None, actor_named: Named, team_named: Any, now: datetime
) -> None:
    with pytest.raises(Invalid):
        actions.add_webhook(actor_named("owner"), team_named("research"), "x", url, now)


def test_the_secret_is_shown_once_and_kept_encrypted(allowed: None, hook: Any) -> None:
    row, secret = hook("http://127.0.0.1:9/")
    row.refresh_from_db()
    assert secret.encode() not in bytes(row.ciphertext)
    assert secret not in json.dumps(list(AuditEntry.objects.values("after")))


def test_only_the_team_sees_and_changes_its_webhooks(
    allowed: None, hook: Any, actor_named: Named, now: datetime
) -> None:
    row, _secret = hook("http://127.0.0.1:9/")
    assert row not in queries.webhooks(actor_named("stranger"))
    assert row in queries.webhooks(actor_named("teammate"))
    with pytest.raises(Forbidden):
        actions.remove_webhook(actor_named("teammate"), row, now)
    actions.remove_webhook(actor_named("lead"), row, now)
    assert not Webhook.objects.exists()


def test_a_disabled_webhook_is_told_nothing(
    allowed: None, hook: Any, actor_named: Named, person: Any, team_named: Any, now: datetime
) -> None:
    row, _secret = hook("http://127.0.0.1:9/")
    actions.edit_webhook(actor_named("owner"), row, {"is_enabled": False}, now)
    tell(person, team_named, now)
    assert not Delivery.objects.exists()
    assert Notice.objects.count() == 1


def test_notices_are_ones_own(
    db: None, actor_named: Named, person: Any, team_named: Any, now: datetime
) -> None:
    tell(person, team_named, now)
    assert queries.unread(actor_named("owner")) == 1
    assert queries.unread(actor_named("operator")) == 0
    actions.mark_read(actor_named("owner"), now)
    assert queries.unread(actor_named("owner")) == 0
