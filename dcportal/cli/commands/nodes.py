"""`dcp nodes`."""

import click

from dcportal.cli import profile
from dcportal.cli.client import Client
from dcportal.cli.output import Columns, format_option, show_rows

COLUMNS: Columns = {
    "NAME": lambda row: row["name"],
    "LIVENESS": lambda row: row["liveness"],
    "LIFECYCLE": lambda row: row["lifecycle"],
    "ADMISSION": lambda row: row["admission"],
    "TAKES JOBS": lambda row: "yes" if row["schedulable"] else "drained",
    "GPUS": lambda row: row.get("accelerator_count"),
    "CPUS": lambda row: row["cpu_count"],
    "NOTE": lambda row: "simulated" if row["is_simulated"] else None,
}


@click.command()
@click.option("--search", help="Part of a name.")
@click.option("-n", "--limit", default=200, show_default=True, type=click.IntRange(1, 10_000))
@format_option
def nodes(search: str | None, limit: int, form: str) -> None:
    """List the nodes."""
    show_rows(Client(profile.load()).pages("nodes", limit, search=search), COLUMNS, form)
