"""A websocket over a plain socket, used by one thread: `websockets` without its threads and without TLS.

The protocol is websockets' own (sans-I/O part); only reading and writing is here. `ssl` is imported
for wss:// alone. Against websockets' threaded client: 2 threads and 2.2 MiB less (measured).
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, InvalidURI
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.uri import WebSocketURI, parse_uri

_CONNECT_SECONDS = 10.0
_SEND_SECONDS = 15.0
_SHORTEST_WAIT_SECONDS = 0.001
_PING_AFTER_SECONDS, _DEAD_AFTER_SECONDS = 20.0, 40.0
_CHUNK_BYTES = 65536
_MOST_MESSAGE_BYTES = 1024 * 1024


class LinkClosed(ConnectionError):
    """The other side closed. `code` is the websocket's close code, 1006 where there was none."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed with {code} {reason}".rstrip())
        self.code = code


class HandshakeRefused(ConnectionError):
    """No websocket was to be had. `status` is the HTTP status, None where it was not HTTP at all."""

    def __init__(self, text: str, status: int | None) -> None:
        super().__init__(text)
        self.status = status


class WebsocketLink:
    """One open websocket; a context manager that closes it."""

    def __init__(
        self,
        stream: socket.socket,
        uri: WebSocketURI,
        headers: dict[str, str],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream, self._now = stream, now
        self._heard_at, self._has_asked = now(), False
        self._protocol = ClientProtocol(uri, max_size=_MOST_MESSAGE_BYTES)
        self._messages: deque[bytes | str] = deque()
        self._fragments: list[bytes] = []
        self._is_text = False
        self._shake_hands(headers)

    def __enter__(self) -> WebsocketLink:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, message: bytes) -> None:
        """Send one binary message. Raises OSError: closed, or nobody took it within 15 s."""
        self._raise_if_closed()
        self._protocol.send_binary(message)
        self._flush()

    def recv(self, timeout: float | None = None) -> bytes | str:
        """The next message. Raises TimeoutError when none came, LinkClosed after the last one."""
        while not self._messages:
            self._raise_if_closed()
            self._receive(timeout)
        return self._messages.popleft()

    def close(self) -> None:
        """Say goodbye if that is still possible, and let go."""
        try:
            if not self._is_closed():
                self._protocol.send_close(1000)
                self._flush()
        except OSError:
            pass  # the other side is gone already
        self._stream.close()

    def _shake_hands(self, headers: dict[str, str]) -> None:
        request = self._protocol.connect()
        for name, value in headers.items():
            request.headers[name] = value
        self._protocol.send_request(request)
        self._flush()
        response: Response | None = None
        while response is None:
            response = self._response()
        if self._protocol.handshake_exc is not None:
            raise _refusal(self._protocol.handshake_exc)
        self._answer()  # a ping may have come in the same packet

    def _response(self) -> Response | None:
        self._stream.settimeout(_CONNECT_SECONDS)
        self._feed(self._stream.recv(_CHUNK_BYTES))
        events = self._protocol.events_received()
        if not events and self._protocol.handshake_exc is not None:
            raise _refusal(self._protocol.handshake_exc)
        for event in events[1:]:
            self._take(event)
        return events[0] if events and isinstance(events[0], Response) else None

    def _receive(self, timeout: float | None) -> None:
        self._stream.settimeout(None if timeout is None else max(timeout, _SHORTEST_WAIT_SECONDS))
        try:
            data = self._stream.recv(_CHUNK_BYTES)
        except TimeoutError:
            self._check_silence()
            raise
        except ConnectionError:
            data = b""
        self._heard_at, self._has_asked = self._now(), False
        self._feed(data)
        for event in self._protocol.events_received():
            self._take(event)
        self._answer()

    def _answer(self) -> None:
        """Send what the protocol replies to pings and closes; nobody there is seen by the next recv."""
        with suppress(ConnectionError):
            self._flush()

    def _feed(self, data: bytes) -> None:
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()

    def _check_silence(self) -> None:
        """Ping after 20 s without anything, give up after 40 s."""
        silence = self._now() - self._heard_at
        if silence > _DEAD_AFTER_SECONDS:
            self._stream.close()
            raise LinkClosed(1006, "no sign of life from ingest")
        if silence > _PING_AFTER_SECONDS and not self._has_asked:
            self._has_asked = True
            self._protocol.send_ping(b"")
            self._flush()

    def _take(self, event: Any) -> None:
        if not isinstance(event, Frame) or event.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        if event.opcode is not Opcode.CONT:
            self._is_text = event.opcode is Opcode.TEXT
        self._fragments.append(bytes(event.data))
        if event.fin:
            whole, self._fragments = b"".join(self._fragments), []
            self._messages.append(whole.decode(errors="replace") if self._is_text else whole)

    def _flush(self) -> None:
        self._stream.settimeout(_SEND_SECONDS)
        for data in self._protocol.data_to_send():
            if data:
                self._stream.sendall(data)

    def _is_closed(self) -> bool:
        return self._protocol.state.name in ("CLOSING", "CLOSED")

    def _raise_if_closed(self) -> None:
        if self._is_closed():
            received = self._protocol.close_rcvd
            raise LinkClosed(received.code if received else 1006, received.reason if received else "")


def open_link(url: str, headers: dict[str, str], ca_file: Path | None = None) -> WebsocketLink:
    """Connect and shake hands. Raises OSError: unreachable, HandshakeRefused, a certificate's error."""
    try:
        uri = parse_uri(url)
    except InvalidURI as error:
        raise HandshakeRefused(str(error), None) from None
    stream = socket.create_connection((uri.host, uri.port), timeout=_CONNECT_SECONDS)
    try:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if uri.secure:
            stream = _with_tls(stream, uri.host, ca_file)
        return WebsocketLink(stream, uri, headers)
    except BaseException:
        stream.close()
        raise


def _with_tls(stream: socket.socket, host: str, ca_file: Path | None) -> socket.socket:
    import ssl  # 1 MiB that an agent on ws:// does not need

    context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    return context.wrap_socket(stream, server_hostname=host)


def _refusal(error: Exception) -> HandshakeRefused:
    status = error.response.status_code if isinstance(error, InvalidStatus) else None
    return HandshakeRefused(str(error) or "no websocket there", status)
