"""``assay alerts tail``: alerts as they are written, for a person or a program."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import typer

from streams.output import complain, console


class Beginning(StrEnum):
    """Where to start."""

    beginning = "beginning"
    end = "end"


class Format(StrEnum):
    """How to print an alert."""

    json = "json"
    table = "table"


def register(app: typer.Typer) -> None:
    """Add the command group ``alerts``."""
    group = typer.Typer(no_args_is_help=True, help="Read alerts.")
    app.add_typer(group, name="alerts")

    @group.callback()
    def _alerts() -> None:
        """Read alerts."""

    @group.command(epilog="Example: assay alerts tail --from beginning --no-follow --format json | jq .title")
    def tail(
        start: Beginning = typer.Option(Beginning.end, "--from", help="Where to start."),
        limit: int = typer.Option(0, "--limit", min=0, help="Stop after so many alerts; 0: no limit."),
        form: Format | None = typer.Option(
            None, "--format", help="One JSON a line, or a table. [default: table at a terminal, else json]"
        ),
        follow: bool = typer.Option(
            True, "--follow/--no-follow", help="Go on until Ctrl-C, or stop at the present end."
        ),
    ) -> None:
        """Print alerts in the order in which they were written; of each partition, that is.

        With --from beginning the topic gives the latest revision of each alert (it is compacted now and then) and what
        follows. Exit 0: done; 1: no Kafka.
        """
        wanted = form or (Format.table if console.is_terminal else Format.json)
        printed = 0
        with contextlib.suppress(KeyboardInterrupt):
            for raw in _records(start, follow):
                if not _show(raw, wanted):
                    continue
                printed += 1
                if limit and printed >= limit:
                    break


def _records(start: Beginning, follow: bool) -> Iterator[bytes]:
    """Yield the alerts' JSON."""
    from streams import clients, topics
    from streams.settings import settings

    chosen = settings()
    name = topics.named(chosen)["alerts"]
    if not follow:
        records = clients.read_topic(name, chosen) if start is Beginning.beginning else iter(())
    else:
        clients.end_offsets(name, chosen)  # says so if there is no such topic
        records = clients.consumer(name, chosen=chosen, auto_offset_reset=_RESET[start])
    yield from (record.value for record in records if record.value is not None)


_RESET = {Beginning.beginning: "earliest", Beginning.end: "latest"}


def _show(raw: bytes, form: Format) -> bool:
    """Print one alert; a record that is no alert is complained of, and does not count."""
    from pydantic import ValidationError

    from schemas.alert import Alert

    try:
        alert = Alert.model_validate_json(raw)
    except ValidationError as error:
        complain(f"a record of the topic alerts is no alert: {error.error_count()} mistakes in {len(raw):,} bytes")
        return False
    if form is Format.json:
        typer.echo(raw.decode())
    else:
        console.print(_line(alert), soft_wrap=True)
    return True


_COLOURS = {"low": "white", "medium": "yellow", "high": "red", "critical": "bold red"}


def _line(alert: Any) -> str:
    title = alert.title.replace("[", "\\[")
    return (
        f"{alert.updated_at:%Y-%m-%d %H:%M:%S}  {alert.risk_score:>3}  "
        f"[{_COLOURS[alert.severity]}]{alert.severity:<8}[/]  {alert.status:<9}  {alert.declaration_id}  {title}"
    )
