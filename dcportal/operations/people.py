"""Who may come in first: an administrator and the agent of this host, made without any default password."""

import os
import socket
from datetime import datetime
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command

from dcportal.accounts.models import User
from dcportal.common.actors import system_actor
from dcportal.inventory import actions as inventory
from dcportal.inventory import this_host
from dcportal.inventory.models import Node

ACTOR = system_actor("portal")


def sign_in_link(address: str) -> str:
    """A fresh one-time link for the first administrator, who is made when there is none."""
    answer = StringIO()
    call_command("create_admin", first_admin_name(), link=True, stdout=answer)
    return f"{address}{urlsplit(answer.getvalue().strip()).path}"


def first_admin_name() -> str:
    found = User.objects.filter(role="admin", is_active=True).order_by("id").first()
    return found.username if found else "admin"


def has_user() -> bool:
    """Somebody has signed in before, so a public address is not an open door for whoever comes first."""
    return User.objects.filter(is_active=True, last_login__isnull=False).exists()


def agent_token_file() -> Path:
    return Path(settings.DATA_DIR) / "agent/token"


def ensure_agent_token(now: datetime) -> Path:
    """The secret of this host's agent, in a file only this user reads; its node is accepted at once."""
    file = agent_token_file()
    if not file.exists() or not inventory.is_node_token(file.read_text().strip()):
        values = {"name": socket.gethostname(), "accepts_at_once": True}
        _token, secret = inventory.create_node_token(ACTOR, values, now, nodes=nodes_of_this_host())
        write_private(file, secret)
    return file


def nodes_of_this_host() -> list[Node]:
    """This machine's node from an earlier token, which a fresh token must name to speak for it."""
    machine_id = this_host.machine_id()
    return list(Node.objects.filter(machine_id=machine_id)) if machine_id else []


def write_private(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_suffix(".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(text)
    fresh.replace(file)
