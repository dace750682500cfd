"""What people and machines see: tables for the one, JSON for the other, complaints on standard error."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

#: Columns of a table that goes to a file or a pipe, where no terminal says how wide it is.
_PIPED_WIDTH = 120

console = Console(highlight=False)
if not console.is_terminal and "COLUMNS" not in os.environ:
    console.width = _PIPED_WIDTH
errors = Console(stderr=True, highlight=False)


def complain(message: str) -> None:
    """Print what was wrong on standard error."""
    errors.print(f"[bold red]assay:[/] {_escape(message)}", soft_wrap=True)


def _escape(text: str) -> str:
    return text.replace("[", "\\[")


def as_json(value: Any) -> None:
    """Print one value as indented JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], title: str | None = None) -> None:
    """Print rows as a table of the given columns."""
    shown = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        shown.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        shown.add_row(*("" if row.get(c) is None else _escape(str(row[c])) for c in columns))
    console.print(shown)


def show(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], json_wanted: bool, title: str | None = None
) -> None:
    """Print rows for a machine or a person."""
    if json_wanted:
        as_json([dict(row) for row in rows])
    else:
        table(rows, columns, title)
