"""The websocket over a plain socket: against websockets' own server, over TLS, and against nonsense."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.server import ServerConnection, serve

from monitoring.agent.link import HandshakeRefused, LinkClosed, WebsocketLink, open_link
from tests.monitoring.agent.helpers import eventually


@contextmanager
def server(handler: Callable[[ServerConnection], None], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    running = serve(handler, "127.0.0.1", 0, ssl=tls)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"{'wss' if tls else 'ws'}://127.0.0.1:{running.socket.getsockname()[1]}/ws/agent/"
    running.shutdown()


def echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


def test_messages_go_both_ways_in_order():
    with server(echo) as url, open_link(url, {}) as link:
        for number in range(50):
            link.send(bytes([number]) * 2000)
        assert [link.recv(5)[0] for _ in range(50)] == list(range(50))


def test_headers_reach_the_server():
    seen: dict[str, str] = {}

    def note(connection: ServerConnection) -> None:
        seen.update(connection.request.headers.raw_items())
        connection.send("done")

    with server(note) as url, open_link(url, {"Authorization": "Bearer t"}) as link:
        assert link.recv(5) == "done"
    assert seen["Authorization"] == "Bearer t"
    assert seen["Host"].startswith("127.0.0.1")


def test_nothing_to_read_is_a_timeout_and_the_link_lives_on():
    with server(echo) as url, open_link(url, {}) as link:
        with pytest.raises(TimeoutError):
            link.recv(0)
        link.send(b"x")
        assert link.recv(5) == b"x"


def test_fragments_are_put_together():
    def in_pieces(connection: ServerConnection) -> None:
        connection.send(iter([b"one ", b"two ", b"three"]))

    with server(in_pieces) as url, open_link(url, {}) as link:
        assert link.recv(5) == b"one two three"


def test_a_close_code_is_told_after_what_was_said_before_it():
    def goodbye(connection: ServerConnection) -> None:
        connection.send("last words")
        connection.close(4401, "token")

    with server(goodbye) as url, open_link(url, {}) as link:
        assert link.recv(5) == "last words"
        with pytest.raises(LinkClosed) as closed:
            link.recv(5)
        assert closed.value.code == 4401
        with pytest.raises(LinkClosed):
            link.send(b"x")


def test_a_cut_without_goodbye_is_1006():
    def cut(connection: ServerConnection) -> None:
        connection.socket.shutdown(socket.SHUT_RDWR)

    with server(cut) as url, open_link(url, {}) as link, pytest.raises(LinkClosed) as closed:
        link.recv(5)
    assert closed.value.code == 1006


def test_pings_are_answered():
    answered = threading.Event()

    def ask(connection: ServerConnection) -> None:
        if connection.ping().wait(5):
            answered.set()
        connection.send("done")

    with server(ask) as url, open_link(url, {}) as link:
        assert link.recv(10) == "done"
    assert answered.is_set()


def test_silence_is_asked_about_and_then_given_up():
    now = [0.0]
    pings: list[bytes] = []
    gate = threading.Event()

    def quiet(connection: ServerConnection) -> None:
        gate.wait(10)

    with server(quiet) as url:
        link = open_link(url, {})
        link._now = lambda: now[0]
        link._heard_at = 0.0
        link._protocol.send_ping = lambda data: pings.append(data)
        for second in (19.0, 21.0, 30.0):
            now[0] = second
            with pytest.raises(TimeoutError):
                link.recv(0)
        assert len(pings) == 1
        now[0] = 41.0
        with pytest.raises(LinkClosed):
            link.recv(0)
        gate.set()


def answering(text: bytes) -> Iterator[str]:
    """A server that is none: says `text` to whoever connects."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve_one() -> None:
        stream, _ = listener.accept()
        stream.recv(4096)
        stream.sendall(text)
        stream.close()

    threading.Thread(target=serve_one, daemon=True).start()
    yield f"ws://127.0.0.1:{listener.getsockname()[1]}/"
    listener.close()


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403),
        (b"HTTP/1.1 404 Not Found\r\n\r\nnothing here", 404),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200),
        (b"SSH-2.0-OpenSSH_9.2\r\n", None),
        (b"", None),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", None),
    ],
)
def test_what_is_no_websocket_is_refused_with_its_status(text, status):
    for url in answering(text):
        with pytest.raises(HandshakeRefused) as refused:
            open_link(url, {})
        assert refused.value.status == status


def test_nobody_listening_is_an_os_error():
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    with pytest.raises(ConnectionRefusedError):
        open_link(f"ws://127.0.0.1:{port}/", {})


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that is its own authority, and its key in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "portal")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "portal.pem"
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def tls(authority: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    return context


def test_tls_works_with_the_sites_own_authority(authority, tls):
    with server(echo, tls) as url, open_link(url, {}, authority) as link:
        with pytest.raises(TimeoutError):
            link.recv(0)
        link.send(b"x" * 200_000)
        assert eventually(lambda: link.recv(5)) == b"x" * 200_000


def test_a_certificate_nobody_vouches_for_is_refused(tls):
    with server(echo, tls) as url, pytest.raises(ssl.SSLCertVerificationError):
        open_link(url, {})


def test_leaving_says_goodbye():
    codes: list[int] = []

    def listen(connection: ServerConnection) -> None:
        for _ in connection:
            pass
        codes.append(connection.close_code)

    with server(listen) as url:
        with open_link(url, {}) as link:
            assert isinstance(link, WebsocketLink)
        eventually(lambda: codes)
    assert codes == [1000]
