"""Rows as a table for people, JSON or CSV for programs."""

import csv
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

import click
from rich.console import Console
from rich.table import Table

Row = dict[str, Any]
Columns = dict[str, Callable[[Row], object]]

format_option = click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    help="How to print.",
)


def show_rows(rows: Iterable[Row], columns: Columns, form: str) -> None:
    """Print `rows`; JSON holds each row whole, table and CSV the named columns."""
    if form == "json":
        click.echo(json.dumps(list(rows), indent=2, ensure_ascii=False))
    elif form == "csv":
        _csv(rows, columns)
    else:
        _table(rows, columns)


def show_row(row: Row, columns: Columns, form: str) -> None:
    """Print one object: as a list of names and values, or like `show_rows`."""
    if form != "table":
        show_rows([row], columns, form)
        return
    width = max(len(name) for name in columns)
    for name, value in columns.items():
        click.echo(f"{name:<{width}}  {_cell(value(row))}")


def _csv(rows: Iterable[Row], columns: Columns) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(value(row), missing="") for value in columns.values()])


def _table(rows: Iterable[Row], columns: Columns) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value(row)) for value in columns.values()))
    Console(soft_wrap=False).print(table)


def _cell(value: object, missing: str = "–") -> str:
    return missing if value is None or value == "" else str(value)
