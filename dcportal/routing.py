"""Sockets of browsers. The agents' socket is a plain ASGI callable, wired in `asgi`."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from django.urls import re_path

from jobs.routing import websocket_urlpatterns as job_sockets
from monitoring.routing import websocket_urlpatterns as monitoring_sockets

NO_SUCH_SOCKET = 4404


async def no_such_socket(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Refuses a handshake for an unknown path; Channels itself would answer 500 and log a traceback."""
    await receive()
    await send({"type": "websocket.close", "code": NO_SUCH_SOCKET})


websocket_urlpatterns = [*monitoring_sockets, *job_sockets, re_path(r"", cast(Any, no_such_socket))]
