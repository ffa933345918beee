"""The demo hall: a token that starts the simulated agent, and its removal with all it made.

The supervisor runs the simulated agent for as long as the token's file exists.
"""

import os
from datetime import datetime
from pathlib import Path

from dcportal.common.actors import Actor
from dcportal.inventory.actions.simulated import remove_simulated
from dcportal.inventory.actions.tokens import create_node_token
from dcportal.inventory.models import NodeToken

TOKEN_FILE = "demo/token"


def is_shown() -> bool:
    """True from the button until the removal."""
    return NodeToken.objects.filter(may_simulate=True, revoked_at=None).exists()


def show(actor: Actor, now: datetime, data_dir: Path) -> None:
    """Make the token and lay it where the supervisor looks; twice is once."""
    if is_shown():
        return
    values = {"name": "demo hall", "may_simulate": True, "accepts_at_once": True}
    _token, secret = create_node_token(actor, values, now)
    path = data_dir / TOKEN_FILE
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret)


def remove(actor: Actor, now: datetime, data_dir: Path) -> None:
    """End the simulated agent and delete every simulated row."""
    remove_simulated(actor, now)
    (data_dir / TOKEN_FILE).unlink(missing_ok=True)
