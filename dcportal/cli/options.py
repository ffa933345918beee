"""Command-line options made from the job request's dataclasses: one option per setting."""

from collections.abc import Iterable
from typing import Any

import click

from trainer.spec.fields import Leaf, leaves
from trainer.spec.job import JobSpec
from trainer.spec.notation import place

SHORT = {
    "job.name": "-J",
    "job.time_limit_seconds": "-t",
    "resources.ranks": "-n",
    "resources.gpus": "-G",
    "resources.cpus": "-c",
}
OMITTED = {"command", "schema"}
TYPES = {"integer": int, "number": float, "boolean": bool, "string": str}


def spec_options(command: click.Command) -> click.Command:
    """Give `command` an option for every setting of a job request, as `--train.epochs 3`."""
    command.params.extend(option(leaf) for leaf in leaves(JobSpec) if leaf.name not in OMITTED)
    return command


def option(leaf: Leaf) -> click.Option:
    """The option of one setting. Limits are checked by the portal, which knows the same table."""
    names = [f"--{leaf.name}", leaf.name.replace(".", "__")]
    if leaf.name in SHORT:
        names.insert(0, SHORT[leaf.name])
    return click.Option(
        names,
        default=None,
        type=TYPES.get(leaf.item_kind or leaf.kind, str),
        multiple=leaf.item_kind is not None,
        help=help_of(leaf),
        metavar=metavar(leaf),
    )


def help_of(leaf: Leaf) -> str:
    """Label, help, choices, limits and default in one line."""
    setting = leaf.setting
    parts = [str(setting.help) or str(setting.label)]
    if setting.choices:
        parts.append("One of: " + ", ".join(setting.choices) + ".")
    parts.extend(_limits(leaf))
    return " ".join(parts)


def _limits(leaf: Leaf) -> Iterable[str]:
    setting = leaf.setting
    low = setting.minimum if setting.minimum is not None else setting.exclusive_minimum
    high = setting.maximum if setting.maximum is not None else setting.exclusive_maximum
    if low is not None and high is not None:
        yield f"[{low:g} to {high:g}{' ' + setting.unit if setting.unit else ''}]"
    if leaf.default not in (None, (), {}, ""):
        yield f"(default {leaf.default})"


def metavar(leaf: Leaf) -> str:
    if leaf.kind == "string_map":
        return "NAME=VALUE"
    return (leaf.setting.unit or leaf.item_kind or leaf.kind).upper()


def overlay(given: dict[str, Any]) -> dict[str, Any]:
    """The nested request that the options given on the command line stand for."""
    request: dict[str, Any] = {}
    for leaf in leaves(JobSpec):
        value = given.get(leaf.name.replace(".", "__"))
        if value is not None and value != ():
            place(request, leaf.name, _shaped(leaf, value))
    return request


def _shaped(leaf: Leaf, value: Any) -> Any:
    if leaf.kind == "string_map":
        return dict(_pair(item) for item in value)
    return list(value) if leaf.item_kind else value


def _pair(item: str) -> tuple[str, str]:
    name, sign, value = item.partition("=")
    if not sign:
        raise click.BadParameter(f"{item!r}: write NAME=VALUE")
    return name, value
