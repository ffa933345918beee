"""`dcp`: the portal from a terminal. `python -m dcportal.cli --help`."""

import click

from dcportal.cli.commands.jobs import cancel, hold, job_list, release, show
from dcportal.cli.commands.login import login
from dcportal.cli.commands.logs import logs
from dcportal.cli.commands.nodes import nodes
from dcportal.cli.commands.submit import submit, templates


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Launch, watch and cancel training jobs of a dcportal site.

    Exit codes: 0 done, 1 the job failed, 2 wrong use, 3 not signed in, 4 nothing by that name,
    5 refused, 6 portal unreachable.
    """


for command in (login, submit, templates, job_list, show, logs, cancel, hold, release, nodes):
    main.add_command(command)

if __name__ == "__main__":
    main(prog_name="dcp")
