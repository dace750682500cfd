"""``assay schema``: the contracts for other people's tools."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from streams.output import show


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        help="JSON Schemas of the records and an AsyncAPI document of the topics.", no_args_is_help=True
    )
    app.add_typer(group, name="schema")

    @group.callback()
    def _root() -> None:
        """JSON Schemas of the records and an AsyncAPI document of the topics."""

    @group.command(epilog="Example: assay schema export contracts/")
    def export(
        directory: Path = typer.Argument(..., file_okay=False, metavar="DIR", help="Where to write; made if missing."),
        as_json: bool = typer.Option(False, "--json", help="Print the list of files as JSON."),
    ) -> None:
        """Write a JSON Schema (Draft 2020-12) of every contract, and asyncapi.yaml (AsyncAPI 3.0) of the topics."""
        from schemas.export import asyncapi, json_schema
        from streams.settings import settings
        from streams.topics import declared

        chosen = settings()
        written = {
            name: (found["title"], json.dumps(found, ensure_ascii=False, indent=2) + "\n")
            for name, found in json_schema.documents().items()
        }
        topics = asyncapi.document(declared(chosen), chosen.topic_prefix, chosen.partitions, chosen.replication)
        written["asyncapi.yaml"] = ("Topics", asyncapi.as_yaml(topics))
        directory.mkdir(parents=True, exist_ok=True)
        for name, (_, text) in written.items():
            (directory / name).write_text(text, encoding="utf-8")
        show(
            [
                {"file": str(directory / name), "describes": title, "bytes": len(text.encode())}
                for name, (title, text) in written.items()
            ],
            ["file", "describes", "bytes"],
            as_json,
        )
