"""`dcp jobs`, `show`, `cancel`, `hold`, `release`."""

import click

from dcportal.cli import profile
from dcportal.cli.client import Client
from dcportal.cli.output import Columns, Row, format_option, show_row, show_rows


def percent(row: Row) -> str | None:
    ratio = (row.get("progress") or {}).get("ratio")
    return None if ratio is None else f"{ratio:.0%}"


LIST: Columns = {
    "ID": lambda row: row["uid"],
    "STATE": lambda row: row["state"],
    "NAME": lambda row: row["name"],
    "OWNER": lambda row: row["owner"],
    "PROGRESS": percent,
    "CREATED": lambda row: row["created_at"][:19],
    "REASON": lambda row: (row.get("reason") or {}).get("text"),
}
DETAIL: Columns = {
    **LIST,
    "TEAM": lambda row: row["team"],
    "STARTED": lambda row: row.get("started_at"),
    "ENDED": lambda row: row.get("ended_at"),
}


@click.command("jobs")
@click.option("--state", help="Only jobs in this state.")
@click.option("--mine", is_flag=True, help="Only your own jobs.")
@click.option("--search", help="Part of a name or id.")
@click.option("-n", "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@format_option
def job_list(state: str | None, mine: bool, search: str | None, limit: int, form: str) -> None:
    """List jobs, newest first."""
    rows = Client(profile.load()).pages("jobs", limit, state=state, owner="me" if mine else None, q=search)
    show_rows(rows, LIST, form)


@click.command()
@click.argument("uid")
@format_option
def show(uid: str, form: str) -> None:
    """One job with its state, reason and times."""
    show_row(Client(profile.load()).get(f"jobs/{uid}"), DETAIL, form)


@click.command()
@click.argument("uids", nargs=-1, required=True)
def cancel(uids: tuple[str, ...]) -> None:
    """Stop jobs. A job is cancelled once none of its processes is left."""
    _each(uids, "cancel")


@click.command()
@click.argument("uids", nargs=-1, required=True)
def hold(uids: tuple[str, ...]) -> None:
    """Keep queued jobs from starting."""
    _each(uids, "hold")


@click.command()
@click.argument("uids", nargs=-1, required=True)
def release(uids: tuple[str, ...]) -> None:
    """Let held jobs queue again."""
    _each(uids, "release")


def _each(uids: tuple[str, ...], verb: str) -> None:
    client = Client(profile.load())
    for uid in uids:
        job = client.post(f"jobs/{uid}/{verb}")
        click.echo(f"{job['uid']}  {job['state']}  {job['name']}")
