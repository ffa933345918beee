"""`/ws/jobs/<uid>/logs/?offset=&attempt=`: a job's log as it is written, read straight from its files.

Messages: `{"type": "window", offset, next_offset, end_offset, dropped_bytes, text}` with whole lines as they
stand on disk, and at last `{"type": "end", "state"}`. The browser says nothing.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from channels.generic.websocket import AsyncWebsocketConsumer

from dcportal.accounts.sockets import actor_of_scope
from dcportal.common.actors import Actor
from dcportal.common.db import in_thread
from dcportal.common.problems import Refusal
from jobs import queries
from jobs.api import parameters
from jobs.api.reading import readable
from jobs.engines.runner.logwindow import LogWindow
from jobs.models import Attempt
from jobs.states import ATTEMPT_TERMINAL

CLOSE_DONE = 1000
CLOSE_SIGNED_OUT = 4401
CLOSE_NOT_FOUND = 4404
CLOSE_STALLED = 4408
CLOSE_BAD_PARAMETER = 4422
LOOK_SECONDS = 0.2
CHECK_SECONDS = 2.0
SEND_SECONDS = 10.0
WINDOW_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True)
class Followed:
    """What is followed now. attempt None: the job has not started yet."""

    attempt: Attempt | None
    state: str
    is_over: bool


class LogConsumer(AsyncWebsocketConsumer):
    """Follows one attempt's log for one reader."""

    channel_layer_alias = None

    async def connect(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.uid: str = self.scope["url_route"]["kwargs"]["uid"]
        await self.accept()
        try:
            self.offset, self.wanted = _asked(self.scope.get("query_string", b""))
        except Refusal:
            return await self.close(CLOSE_BAD_PARAMETER)
        followed = await self._look_up()
        if followed is not None:
            self.task = asyncio.create_task(self._follow(followed))

    async def disconnect(self, code: int) -> None:
        if self.task is not None:
            self.task.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Nothing is expected from the browser."""

    async def _look_up(self) -> Followed | None:
        """Who asks and what is there; closes the socket and returns None when there is nothing to see."""
        actor = await in_thread(actor_of_scope, self.scope)
        if actor is None:
            await self.close(CLOSE_SIGNED_OUT)
            return None
        try:
            return await in_thread(_followed, actor, self.uid, self.wanted)
        except Refusal:
            await self.close(CLOSE_NOT_FOUND)
            return None

    async def _follow(self, followed: Followed) -> None:
        checked_at = time.monotonic()
        while True:
            is_new = await self._send_new(followed.attempt)
            if not is_new and followed.is_over:
                await self._say({"type": "end", "state": followed.state})
                return await self.close(CLOSE_DONE)
            if not is_new:
                await asyncio.sleep(LOOK_SECONDS)
            if time.monotonic() - checked_at >= CHECK_SECONDS:
                checked_at = time.monotonic()
                found = await self._look_up()
                if found is None:
                    return None
                followed = found

    async def _send_new(self, attempt: Attempt | None) -> bool:
        if attempt is None:
            return False
        window = await asyncio.to_thread(queries.log_window, attempt, self.offset, WINDOW_BYTES)
        if window.next_offset == self.offset or not window.data:
            return False
        self.offset = window.next_offset
        await self._say({"type": "window", **window_json(window)})
        return True

    async def _say(self, message: dict[str, Any]) -> None:
        """Send, or give the reader up who has not read for 10 s."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self.send(text_data=json.dumps(message, separators=(",", ":")))
        except TimeoutError:
            await self.close(CLOSE_STALLED)
            raise asyncio.CancelledError from None


def window_json(window: LogWindow) -> dict[str, Any]:
    """A window with its lines as they stand on disk."""
    return {
        "offset": window.offset,
        "next_offset": window.next_offset,
        "end_offset": window.end_offset,
        "dropped_bytes": window.dropped_bytes,
        "text": readable(window.data),
    }


def _asked(query: bytes) -> tuple[int, int | None]:
    given = dict(parse_qsl(query.decode("latin-1")))
    offset = parameters.number(given, "offset", 0, -(2**53), 2**53)
    return offset, parameters.whole(given, "attempt", None, 1, 2**31 - 1)


def _followed(actor: Actor, uid: str, wanted: int | None) -> Followed:
    """Raises NotFound."""
    job = queries.visible_job(actor, uid)
    rows = job.attempts.order_by("-number")
    attempt = rows.filter(number=wanted).first() if wanted else rows.first()
    has_ended = attempt is not None and attempt.state in ATTEMPT_TERMINAL
    is_over = has_ended or (attempt is None and job.ended_at is not None)
    return Followed(attempt, job.state, is_over)
