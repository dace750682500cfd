"""``assay alerts tail``: alerts as they are written, for a person or a program."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

import typer

from streams.output import complain, console, show

if TYPE_CHECKING:
    from schemas.alert import Alert


class Beginning(StrEnum):
    """Where to start."""

    beginning = "beginning"
    end = "end"


_TABLE = "table"


def register(app: typer.Typer) -> None:
    """Add the command group ``alerts``."""
    group = typer.Typer(no_args_is_help=True, help="Read alerts.")
    app.add_typer(group, name="alerts")

    @group.callback()
    def _alerts() -> None:
        """Read alerts."""

    group.command(epilog="Example: assay alerts formats")(formats)

    @group.command(epilog="Example: assay alerts tail --from beginning --no-follow --format json | jq .title")
    def tail(
        start: Beginning = typer.Option(Beginning.end, "--from", help="Where to start."),
        limit: int = typer.Option(0, "--limit", min=0, help="Stop after so many alerts; 0: no limit."),
        form: str = typer.Option(
            "",
            "--format",
            help="table, or one alert a line as json, cloudevents, ocsf, ecs, cef, splunk, thehive or iris (`assay alerts "
            "formats` describes them). Default: table at a terminal, else json.",
        ),
        link: str | None = typer.Option(
            None,
            "--link",
            envvar="ASSAY_FORWARD_LINK",
            help="Address of an alert in your console, as https://HOST/alerts/{alert_id}, for formats that have a link back.",
        ),
        follow: bool = typer.Option(
            True, "--follow/--no-follow", help="Go on until Ctrl-C, or stop at the present end."
        ),
    ) -> None:
        """Print alerts in the order in which they were written; of each partition, that is.

        With --from beginning the topic gives the latest revision of each alert (it is compacted now and then) and what
        follows. Exit 0: done; 1: no Kafka.
        """
        shown = _shown(form or (_TABLE if console.is_terminal else "json"), link)
        printed = 0
        with contextlib.suppress(KeyboardInterrupt):
            for raw in _records(start, follow):
                if not _show(raw, shown):
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


def formats(json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """List the formats of alerts, for `assay alerts tail` and `assay forward`."""
    from schemas.export.projection import projections

    rows = [{"format": one.name, "is": one.says, "media_type": one.media_type} for one in projections().values()]
    show(rows, ["format", "is", "media_type"], json)


def _shown(form: str, link: str | None) -> Callable[[bytes, Alert], None]:
    """Return how to print an alert, given its record too."""
    if form == _TABLE:
        return lambda raw, alert: console.print(_line(alert), soft_wrap=True)
    from schemas.errors import SettingsError
    from schemas.export.projection import projection
    from streams.forward.reading import lines

    try:
        line = lines(projection(form), link)
    except SettingsError as error:
        raise typer.BadParameter(f"{error}, or table", param_hint="--format") from None
    if form == "json":  # the record itself, with fields of a later contract that this one does not know
        return lambda raw, alert: typer.echo(raw.decode())
    return lambda raw, alert: typer.echo(line(alert))


def _show(raw: bytes, shown: Callable[[bytes, Alert], None]) -> bool:
    """Print one alert; a record that is no alert is complained of, and does not count."""
    from pydantic import ValidationError

    from schemas.alert import Alert

    try:
        alert = Alert.model_validate_json(raw)
    except ValidationError as error:
        complain(f"a record of the topic alerts is no alert: {error.error_count()} mistakes in {len(raw):,} bytes")
        return False
    shown(raw, alert)
    return True


_COLOURS = {"low": "white", "medium": "yellow", "high": "red", "critical": "bold red"}


def _line(alert: Alert) -> str:
    title = alert.title.replace("[", "\\[")
    return (
        f"{alert.updated_at:%Y-%m-%d %H:%M:%S}  {alert.risk_score:>3}  "
        f"[{_COLOURS[alert.severity]}]{alert.severity:<8}[/]  {alert.status:<9}  {alert.declaration_id}  {title}"
    )
