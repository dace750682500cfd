"""``assay broker up|down|status``: a local Kafka for development and tests, or the one that ``ASSAY_KAFKA`` names."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import typer

from streams.output import as_json, errors, table

_DIR = typer.Option(
    None, "--dir", help="Folder of the broker's data and log (default: broker/ in the user's state folder)."
)
_JSON = typer.Option(False, "--json", help="Print JSON.")


def register(app: typer.Typer) -> None:
    """Add the command group ``broker``."""
    group = typer.Typer(no_args_is_help=True, help="Start, stop and look at a local Kafka.")
    app.add_typer(group, name="broker")

    @group.command(epilog="Example: assay broker up && assay topics apply")
    def up(
        folder: Path | None = _DIR,
        port: int | None = typer.Option(None, "--port", min=1, max=65_535, help="Loopback port (default: a free one)."),
        json: bool = _JSON,
    ) -> None:
        """Start a local Kafka, or check that the one of ASSAY_KAFKA answers."""
        from streams import broker

        with errors.status("looking for a Kafka") as line:
            found = broker.up(folder, say=lambda message: line.update(message), port=port)
        if json:
            as_json(asdict(found))
        elif found.owned:
            typer.echo(f"Kafka is up at {found.bootstrap} (process {found.pid})")
        elif found.pid is not None:
            typer.echo(f"Kafka was already up at {found.bootstrap} (process {found.pid})")
        else:
            typer.echo(f"the Kafka of ASSAY_KAFKA answers at {found.bootstrap}; nothing to start")

    @group.command(epilog="Example: assay broker down")
    def down(folder: Path | None = _DIR, json: bool = _JSON) -> None:
        """Stop the local Kafka; its data stay for the next start."""
        from streams import broker

        with errors.status("stopping the local Kafka"):
            stopped = broker.down(folder)
        if json:
            as_json({"stopped": stopped is not None, "pid": stopped})
        elif stopped is None:
            typer.echo("no local Kafka was running")
        else:
            typer.echo(f"the local Kafka (process {stopped}) has stopped")

    @group.command(epilog="Example: assay broker status --json")
    def status(folder: Path | None = _DIR, json: bool = _JSON) -> None:
        """Tell whether a Kafka answers, and where; exit 1 if none does."""
        from streams import broker

        found = broker.status(folder)
        if json:
            as_json(asdict(found))
        else:
            shown = asdict(found) | {"healthy": "yes" if found.healthy else "no", "topics": ", ".join(found.topics)}
            table(
                [{"what": what, "is": value} for what, value in shown.items() if value not in (None, "")],
                ["what", "is"],
            )
        raise typer.Exit(0 if found.healthy else 1)
