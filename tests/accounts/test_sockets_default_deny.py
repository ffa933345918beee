"""No browser socket serves a visitor or a foreign origin. (The agents' refusals: tests/monitoring/ingest.)"""

import re

import pytest
from channels.testing import WebsocketCommunicator

from dcportal.asgi import application
from dcportal.routing import websocket_urlpatterns

pytestmark = pytest.mark.django_db(transaction=True)
PATHS = ["/" + re.sub(r"<[^>]+>|\(\?P[^)]*\)", "0" * 12, str(p.pattern)) for p in websocket_urlpatterns]
HERE = [(b"host", b"testserver"), (b"origin", b"http://testserver")]


async def _is_refused(path, headers):
    """Refused at the handshake, or closed at once without a word that is not a refusal."""
    socket = WebsocketCommunicator(application, path.replace("^", "").replace("$", ""), headers=headers)
    connected, _code = await socket.connect(timeout=20)
    while connected:
        output = await socket.receive_output(timeout=20)
        if output["type"] == "websocket.close":
            break
        said = output.get("text") or output.get("bytes") or b""
        assert "refused" in (said if isinstance(said, str) else said.decode("latin-1")), said
    await socket.disconnect()
    return True


@pytest.mark.asyncio
@pytest.mark.parametrize("path", PATHS)
async def test_no_socket_opens_for_a_visitor(path):
    assert await _is_refused(path, HERE)


@pytest.mark.asyncio
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origin", [b"https://evil.example", b"null", b""])
async def test_no_socket_opens_from_another_origin(path, origin, client_of_async):
    cookie = await client_of_async("admin")
    headers = [(b"host", b"testserver"), (b"origin", origin), (b"cookie", cookie)]
    assert await _is_refused(path, headers)


@pytest.fixture
def client_of_async(client_of):
    from asgiref.sync import sync_to_async
    from django.conf import settings

    @sync_to_async
    def cookie_of(name):
        client = client_of(name)
        return f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}".encode()

    return cookie_of
