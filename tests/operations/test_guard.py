"""What keeps the portal from starting, and what it says then."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from dcportal.operations import guard
from dcportal.operations.guard import Refused


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.DATA_DIR = tmp_path
    settings.BEHIND_TLS = False
    return tmp_path


def test_a_second_portal_on_the_same_data_folder_is_told_where_the_first_is() -> None:
    with guard.hold_instance_lock() as lock:
        guard.write_holder(lock, "http://127.0.0.1:8000")

        with pytest.raises(Refused, match=r"pid \d+ at http://127.0.0.1:8000"):
            guard.hold_instance_lock()


def test_the_lock_is_free_again_after_the_portal_ended() -> None:
    with guard.hold_instance_lock():
        pass
    with guard.hold_instance_lock():
        pass


def test_a_taken_port_is_refused_with_its_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(Refused, match=rf"port {port} is taken by .*\(pid \d+\)\n.*DCP_BIND"):
            guard.refuse_taken_port("127.0.0.1", port)


def test_loopback_needs_neither_tls_nor_a_user() -> None:
    guard.refuse_unprotected("127.0.0.1", has_user=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.10", "::", "portal.example"])
def test_a_public_address_without_tls_is_refused(host: str) -> None:
    with pytest.raises(Refused, match="DCP_TLS_CERTIFICATE"):
        guard.refuse_unprotected(host, has_user=True)


def test_a_public_address_without_a_user_is_refused(settings: Settings) -> None:
    settings.BEHIND_TLS = True

    with pytest.raises(Refused, match="create_admin"):
        guard.refuse_unprotected("0.0.0.0", has_user=False)


@pytest.mark.parametrize("protect", ["proxy", "own"])
def test_a_protected_public_address_with_a_user_is_served(
    protect: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BEHIND_TLS = protect == "proxy"
    if protect == "own":
        monkeypatch.setenv("DCP_TLS_CERTIFICATE", "/etc/portal.crt")
        monkeypatch.setenv("DCP_TLS_KEY", "/etc/portal.key")

    guard.refuse_unprotected("0.0.0.0", has_user=True)


def test_nobody_counts_as_user_before_the_first_sign_in(person: Callable[[str], object], now: object) -> None:
    from dcportal.accounts.models import User
    from dcportal.operations.people import has_user

    person("admin")
    assert not has_user()

    User.objects.update(last_login=now)
    assert has_user()
