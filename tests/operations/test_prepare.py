"""What `make run` does before the programs start, and when it refuses."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from pytest_django.fixtures import Settings

from dcportal.accounts.models import SignInLink, User
from dcportal.inventory.models import NodeToken
from dcportal.operations import people, prepare, programs
from dcportal.operations.prepare import CannotPrepare


@pytest.mark.django_db
def test_a_migrated_database_needs_nothing() -> None:
    assert prepare.migrate() is False


def test_an_unmigrated_database_is_refused_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "missing_migrations", lambda: 3)

    with pytest.raises(CannotPrepare, match="portal --prepare"):
        prepare.refuse_unmigrated()


@pytest.mark.django_db
def test_a_database_of_a_newer_release_is_refused() -> None:
    executor = MigrationExecutor(connection)
    executor.loader.applied_migrations[("jobs", "9999_from_the_future")] = None

    with pytest.raises(CannotPrepare, match=r"jobs\.9999_from_the_future"):
        prepare.refuse_newer_database(executor)


def test_static_files_are_collected_once(settings: Settings, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "css").mkdir(parents=True)
    (source / "css/tokens.css").write_text("a{}")
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "static"

    assert prepare.collect_static() is True
    assert prepare.collect_static() is False
    (source / "css/tokens.css").write_text("a{color:red}")
    assert prepare.collect_static() is True


@pytest.mark.django_db
def test_the_first_start_makes_an_administrator_and_a_link() -> None:
    link = people.sign_in_link("http://127.0.0.1:8000")

    assert link.startswith("http://127.0.0.1:8000/link/")
    assert User.objects.get().role == "admin"
    assert not User.objects.get().has_usable_password()


@pytest.mark.django_db
def test_a_later_start_makes_a_link_for_the_same_person(person: Callable[[str], User]) -> None:
    admin = person("admin")

    people.sign_in_link("http://127.0.0.1:8000")

    assert User.objects.get() == admin
    assert SignInLink.objects.get().user == admin


@pytest.mark.django_db
def test_the_agent_of_this_host_gets_one_secret_that_only_it_can_read(
    settings: Settings, tmp_path: Path, now: datetime
) -> None:
    settings.DATA_DIR = tmp_path

    file = people.ensure_agent_token(now)
    again = people.ensure_agent_token(now)

    assert file == again
    assert file.stat().st_mode & 0o077 == 0
    assert NodeToken.objects.get().accepts_at_once


@pytest.mark.django_db
def test_a_revoked_secret_is_replaced(settings: Settings, tmp_path: Path, now: datetime) -> None:
    settings.DATA_DIR = tmp_path
    before = people.ensure_agent_token(now).read_text()
    NodeToken.objects.update(revoked_at=now)

    assert people.ensure_agent_token(now).read_text() != before


def test_the_web_server_takes_small_frames_and_no_deflate() -> None:
    command = list(programs.web("127.0.0.1", 8000).command)

    assert command[command.index("--ws-max-size") + 1] == str(256 * 1024)
    assert command[command.index("--ws-per-message-deflate") + 1] == "false"
    assert command[command.index("--workers") + 1] == "1"
    assert "--no-proxy-headers" in command


def test_forwarded_headers_are_believed_from_named_proxies_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCP_TRUSTED_PROXIES", "10.0.0.1, 10.0.0.2")

    command = list(programs.web("127.0.0.1", 8000).command)

    assert command[command.index("--forwarded-allow-ips") + 1] == "10.0.0.1,10.0.0.2"


def test_no_secret_stands_on_a_command_line(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("dcp_node_secret")

    assert not any("dcp_node_secret" in word for word in programs.agent("http://127.0.0.1:1", file).command)
