"""One signed POST to a checked address. No redirects, 5 s, nothing of the answer is kept but its status."""

import hashlib
import hmac
import http.client
import json
import socket
import ssl
from dataclasses import dataclass
from typing import Any

from dcportal.notify.addresses import AddressRefused, Target, check

TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent, complete, so that the sending thread needs no database."""

    uid: str
    url: str
    secret: str
    event: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """`error` is empty for any answer with status 200 to 299."""

    status: int | None
    error: str = ""


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """`v1=<hex>`: HMAC-SHA256 over `<timestamp>.<body>`; receivers refuse old timestamps."""
    signed = str(timestamp).encode() + b"." + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def send(message: Message, timestamp: int) -> Answer:
    """Deliver once. Never raises."""
    body = json.dumps({"event": message.event, "id": message.uid, "data": message.payload}).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "dcportal",
        "X-DCP-Event": message.event,
        "X-DCP-Delivery": message.uid,
        "X-DCP-Timestamp": str(timestamp),
        "X-DCP-Signature": signature(message.secret, timestamp, body),
    }
    try:
        status = _post(check(message.url), body, headers)
    except AddressRefused as refusal:
        return Answer(None, refusal.code)
    except (OSError, http.client.HTTPException) as error:
        return Answer(None, f"{type(error).__name__}: {error}"[:300])
    return Answer(status, "" if 200 <= status < 300 else f"status {status}")


def _post(target: Target, body: bytes, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection(target.host, target.port, timeout=TIMEOUT_SECONDS)
    connection.sock = _connect(target)
    try:
        connection.request("POST", target.path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def _connect(target: Target) -> socket.socket:
    raw = socket.create_connection((target.ip, target.port), timeout=TIMEOUT_SECONDS)
    if target.scheme == "http":
        return raw
    try:
        return ssl.create_default_context().wrap_socket(raw, server_hostname=target.host)
    except BaseException:
        raw.close()
        raise
