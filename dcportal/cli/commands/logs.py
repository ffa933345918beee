"""`dcp logs`: the log by byte windows, followed until the job ends."""

import sys
import time
from typing import Any

import click

from dcportal.cli import profile
from dcportal.cli.client import Client

ENDED = {"succeeded", "failed", "cancelled"}
POLL_SECONDS = 0.7


@click.command()
@click.argument("uid")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job ends.")
@click.option("--attempt", type=int, help="Number of the attempt; the newest by default.")
def logs(uid: str, follow: bool, attempt: int | None) -> None:
    """Print what a job wrote."""
    stream(Client(profile.load()), uid, follow=follow, attempt=attempt)


def stream(client: Client, uid: str, *, follow: bool, attempt: int | None = None) -> None:
    """Write the log to stdout window by window."""
    offset = 0
    while True:
        ended = not follow or client.get(f"jobs/{uid}", fields="state")["state"] in ENDED
        window = client.get(f"jobs/{uid}/logs", offset=offset, attempt=attempt, plain="true")
        while window["next_offset"] > offset:
            _write(window)
            offset = window["next_offset"]
            window = client.get(f"jobs/{uid}/logs", offset=offset, attempt=attempt, plain="true")
        if ended:
            return
        time.sleep(POLL_SECONDS)


def _write(window: dict[str, Any]) -> None:
    sys.stdout.write(window["text"])
    sys.stdout.flush()
