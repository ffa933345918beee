"""`/ws/agent/`, a plain ASGI callable: with Channels every message would walk over all open sockets."""

import asyncio
import logging
from typing import Any

from monitoring import protocol
from monitoring.ingest import service
from monitoring.ingest.connection import AgentConnection, Receive, Send
from monitoring.protocol import Error
from monitoring.store.holder import HeldElsewhere

logger = logging.getLogger(__name__)


async def agent_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one agent. Every refusal is a message with a code, then a close with a code of its own."""
    if (await receive())["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    token = bearer(scope)
    if token is None:
        return await turn_away(send, "token_refused", protocol.CLOSE_TOKEN_REFUSED)
    try:
        ingest = await service.running()
    except (service.NotHolder, HeldElsewhere) as error:
        logger.warning("an agent came to a process that is not ingest: %s", error)
        return await turn_away(send, "not_holder", protocol.CLOSE_NOT_HOLDER)
    connection = AgentConnection(ingest, token, send)
    ingest.connections.add(connection)
    try:
        await connection.run(receive)
    except (TimeoutError, OSError, asyncio.CancelledError):
        pass  # the agent stopped reading or went away; it keeps what was not acknowledged
    finally:
        ingest.connections.discard(connection)


def bearer(scope: dict[str, Any]) -> str | None:
    """The token of the handshake."""
    value = dict(scope.get("headers", ())).get(b"authorization", b"").decode("latin-1")
    scheme, _, token = value.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def turn_away(send: Send, code: protocol.Code, close: int) -> None:
    await send({"type": "websocket.send", "bytes": protocol.encode(Error(code=code))})
    await send({"type": "websocket.close", "code": close})
