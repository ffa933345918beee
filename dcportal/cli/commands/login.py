"""`dcp login`."""

from typing import IO

import click

from dcportal.cli import profile
from dcportal.cli.client import Client
from dcportal.cli.profile import Profile


@click.command()
@click.argument("url")
@click.option("--token-file", type=click.File(), help="Read the token from this file.")
def login(url: str, token_file: IO[str] | None) -> None:
    """Keep the portal's address and an API token (made on its Tokens page)."""
    secret = token_file.read() if token_file else click.prompt("Token", hide_input=True)
    chosen = Profile(url.rstrip("/"), secret.strip())
    me = Client(chosen).get("me")
    where = profile.save(chosen)
    click.echo(f"Signed in to {chosen.url} as {me['username']} ({me['role']}). Kept in {where}.")
