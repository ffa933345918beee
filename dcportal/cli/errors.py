"""What `dcp` ends with: each kind of failure has an exit code that scripts can rely on."""

import click

USAGE, SIGNED_OUT, MISSING, REFUSED, UNREACHABLE = 2, 3, 4, 5, 6


class CliError(click.ClickException):
    exit_code = 1


class NotSignedIn(CliError):
    exit_code = SIGNED_OUT


class Missing(CliError):
    exit_code = MISSING


class Refused(CliError):
    """The portal said no; the message names each field."""

    exit_code = REFUSED


class Unreachable(CliError):
    exit_code = UNREACHABLE
