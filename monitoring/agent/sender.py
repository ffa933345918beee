"""Keeps a connection to ingest: connects, runs a session, backs off, says clearly why it cannot."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from monitoring.agent.buffer import Buffer
from monitoring.agent.link import HandshakeRefused, LinkClosed, WebsocketLink, open_link
from monitoring.agent.session import Link, Refused, Session
from monitoring.agent.station import AGENT_VERSION
from monitoring.protocol import CLOSE_NODE_REFUSED, CLOSE_TOKEN_REFUSED, ProtocolError

log = logging.getLogger("dcportal.agent")

_FIRST_DELAY_SECONDS, _LONGEST_DELAY_SECONDS = 1.0, 30.0
_REFUSED_DELAY_SECONDS = 60.0
_STEP_SECONDS = 2.0
_CLOSE_CODES = {CLOSE_TOKEN_REFUSED: "token_refused", CLOSE_NODE_REFUSED: "node_refused"}
_ADVICE = {
    "token_refused": "the node token is unknown, expired or revoked; make one with "
    "`manage.py create_node_token` and put it into the token file",
    "node_refused": "the token belongs to another node",
    "schema_unsupported": "agent and portal are of different versions; update this agent",
}

Connect = Callable[[], AbstractContextManager[Link]]


class Sender:
    """A thread that delivers the buffer. `stop` ends it, `delivered` tells that all is acknowledged."""

    def __init__(
        self,
        *,
        connect: Connect,
        make_session: Callable[[Link], Session],
        buffer: Buffer,
        chance: random.Random | None = None,
    ) -> None:
        self._connect, self._make_session, self._buffer = connect, make_session, buffer
        self._chance = chance or random.Random()
        self._failures = 0
        self._last_complaint = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.run, name="sender", daemon=True)
        self.connected = threading.Event()

    def start(self) -> None:
        """Begin in a thread of its own."""
        self._thread.start()

    def stop(self, seconds: float = 3.0) -> None:
        """End the connection; waits up to `seconds`."""
        self._stop.set()
        self._buffer.wake()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def run(self) -> None:
        """Connect and deliver until `stop`."""
        while not self._stop.is_set():
            self._stop.wait(self._attempt())

    def _attempt(self) -> float:
        """One connection until it ends; seconds to wait before the next."""
        try:
            with self._connect() as link:
                self._serve(self._make_session(link))
        except Refused as refusal:
            return self._refused(refusal)
        except HandshakeRefused as error:
            return self._bad_handshake(error)
        except LinkClosed as error:
            return self._closed(error)
        except (OSError, ProtocolError) as error:  # a TimeoutError is an OSError
            return self._failed(str(error) or type(error).__name__)
        except Exception as error:  # without this thread the node would fall silent
            log.exception("delivery failed")
            return self._failed(f"{type(error).__name__}: {error}")
        finally:
            self.connected.clear()
        return 0.0

    def _serve(self, session: Session) -> None:
        session.greet()
        log.info("connected to ingest, %d frames to deliver", self._buffer.pending)
        self._last_complaint = ""
        self.connected.set()
        try:
            while not self._stop.is_set():
                session.step()
                if session.acked_frames:
                    self._failures = 0
                self._buffer.wait(_STEP_SECONDS)
        finally:  # acks that arrived before the cut spare a second sending
            with suppress(OSError, ProtocolError):
                session.take_replies()

    def _failed(self, why: str) -> float:
        self._complain(f"no connection to ingest: {why}")
        ceiling = min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        return self._chance.uniform(0, ceiling)

    def _closed(self, error: LinkClosed) -> float:
        if error.code in _CLOSE_CODES:
            return self._refused(Refused(_CLOSE_CODES[error.code]))
        return self._failed(str(error))

    def _bad_handshake(self, error: HandshakeRefused) -> float:
        if error.status in (401, 403):
            return self._refused(Refused("token_refused"))
        return self._failed(f"{error} (HTTP {error.status})" if error.status else str(error))

    def _refused(self, refusal: Refused) -> float:
        self._complain(
            f"ingest refuses this agent ({refusal.code}): {_ADVICE.get(refusal.code, 'see its log')}"
        )
        if refusal.code in ("not_holder", "storage_full"):
            return self._failed(refusal.code)
        seconds = refusal.retry_after_seconds or _REFUSED_DELAY_SECONDS
        return seconds * self._chance.uniform(0.8, 1.2)

    def _complain(self, text: str) -> None:
        """Each reason once, not once per attempt."""
        if text != self._last_complaint:
            self._last_complaint = text
            log.warning("%s", text)


def connector(url: str, token: Callable[[], str], ca_file: Path | None = None) -> Connect:
    """How to open the websocket; the token file is read anew each time, so it can be replaced."""

    def connect() -> WebsocketLink:
        headers = {"Authorization": f"Bearer {token()}", "User-Agent": f"dcportal-agent/{AGENT_VERSION}"}
        return open_link(url, headers, ca_file)

    return connect
