"""What `make run` prints when the portal answers."""

import getpass

import pytest

from dcportal.operations import announce


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [
        ("127.0.0.1", 8000, "http://127.0.0.1:8000"),
        ("0.0.0.0", 8000, "http://127.0.0.1:8000"),
        ("::1", 9000, "http://[::1]:9000"),
        ("10.0.0.7", 80, "http://10.0.0.7:80"),
    ],
)
def test_the_address_can_be_typed_into_a_browser(host: str, port: int, address: str) -> None:
    assert announce.address_of(host, port) == address


def test_own_tls_makes_it_https(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCP_TLS_CERTIFICATE", "c")
    monkeypatch.setenv("DCP_TLS_KEY", "k")

    assert announce.address_of("127.0.0.1", 8443) == "https://127.0.0.1:8443"


def test_over_ssh_the_tunnel_is_printed() -> None:
    line = announce.ssh_line(8000, {"SSH_CONNECTION": "198.51.100.7 50111 203.0.113.9 22"})

    assert line == f"ssh -L 8000:127.0.0.1:8000 {getpass.getuser()}@203.0.113.9"


def test_another_ssh_port_is_part_of_the_line() -> None:
    line = announce.ssh_line(8000, {"SSH_CONNECTION": "198.51.100.7 50111 203.0.113.9 2222"})

    assert line is not None
    assert "-p 2222 " in line


def test_at_the_machine_itself_there_is_no_tunnel() -> None:
    assert announce.ssh_line(8000, {}) is None


def test_a_portal_that_does_not_answer_is_not_ready() -> None:
    assert not announce.is_ready("http://127.0.0.1:9")
