"""`dcp submit` and `dcp templates`."""

import time
from pathlib import Path
from typing import Any

import click

from dcportal.cli import profile
from dcportal.cli.client import Client, new_idempotency_key
from dcportal.cli.commands.logs import ENDED, POLL_SECONDS, stream
from dcportal.cli.errors import CliError
from dcportal.cli.options import overlay, spec_options
from dcportal.cli.output import format_option, show_rows
from trainer.spec.merging import merged
from trainer.spec.notation import from_toml
from trainer.spec.problems import SpecInvalid


@click.command("templates")
@format_option
def templates(form: str) -> None:
    """List what can be launched by name."""
    rows = Client(profile.load()).pages("job-templates", 500)
    columns = {
        "NAME": lambda row: row["slug"],
        "TITLE": lambda row: row["name"],
        "VERSION": lambda row: row["version"],
        "DESCRIPTION": lambda row: row["description"],
    }
    show_rows(rows, columns, form)


class WithCommandLine(click.Command):
    """Keeps everything behind `--` for the job, so that it is never read as a template."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            cut = args.index("--")
            ctx.meta["command_line"], args = args[cut + 1 :], args[:cut]
        return super().parse_args(ctx, args)


@click.command(cls=WithCommandLine)
@click.argument("template", required=False)
@click.option("-f", "--file", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--wait", is_flag=True, help="Follow the log; exit 1 unless the job succeeds.")
@click.option("--dry-run", is_flag=True, help="Print the request and what is wrong with it.")
@click.pass_context
def submit(
    ctx: click.Context,
    /,
    template: str | None,
    file: Path | None,
    wait: bool,
    dry_run: bool,
    **given: Any,
) -> None:
    """Launch a job: from a TEMPLATE, a TOML file, options, or `-- PROGRAM ARGUMENTS`.

    Later sources win: template, file, options, command.
    """
    client = Client(profile.load())
    request = merged(read_toml(file) if file else {}, overlay(given))
    if ctx.meta.get("command_line"):
        request = merged(request, {"command": ctx.meta["command_line"]})
        request.setdefault("job", {}).setdefault("name", name_of(ctx.meta["command_line"]))
    body = {**request, **({"template": template} if template else {})}
    if dry_run:
        _print_checked(client.post("jobs/validate", body))
        return
    job = client.post("jobs", body, idempotency_key=new_idempotency_key())
    click.echo(f"{job['uid']}  {job['state']}  {job['name']}")
    if wait:
        _wait(client, job["uid"])


def name_of(command_line: list[str]) -> str:
    """What a job without a name is called: its script, else its program."""
    script = next((part for part in command_line if part.endswith((".py", ".sh"))), command_line[0])
    return Path(script).name


def read_toml(path: Path) -> dict[str, Any]:
    """The request in a TOML file; a syntax error names the line."""
    try:
        return from_toml(path.read_text(encoding="utf-8"))
    except (SpecInvalid, UnicodeDecodeError) as error:
        raise CliError(f"{path}: {error}") from error


def _print_checked(answer: dict[str, Any]) -> None:
    click.echo(answer["toml"])


def _wait(client: Client, uid: str) -> None:
    stream(client, uid, follow=True)
    job = client.get(f"jobs/{uid}")
    while job["state"] not in ENDED:
        time.sleep(POLL_SECONDS)
        job = client.get(f"jobs/{uid}")
    if job["state"] != "succeeded":
        raise CliError(f"{job['state']}: {(job.get('reason') or {}).get('text', '')}")


spec_options(submit)
