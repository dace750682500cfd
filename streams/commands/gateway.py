"""``assay gateway``: take messages over HTTP; ``assay gateway key``: who may send them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams import output

if TYPE_CHECKING:
    from streams.gateway.keys import Key, KeyFile

_EPILOG = (
    "Examples:  [bold]assay gateway key create --source cds-north --format cds[/], then [bold]assay gateway[/]  ·  "
    "[bold]assay gateway --host 0.0.0.0 --certificate gateway.pem --private-key gateway.key[/]"
)
_KEY_EPILOG = "Example:  [bold]assay gateway key create --source cds-north --format cds --rate 50/s --max-bytes 20MB[/]"
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "KIB": 2**10, "MIB": 2**20}
_PERIODS = {"s": 1, "m": 60, "min": 60, "h": 3600}
_LARGEST = 32 * 1024 * 1024
_COLUMNS = ("id", "source", "format", "system", "rate", "burst", "max_bytes", "created_at", "revoked_at")


def register(app: typer.Typer) -> None:
    """Add the command, and the group ``key`` below it."""
    group = typer.Typer(invoke_without_command=True, help="Take messages over HTTP, acknowledged by Kafka.")
    keys = typer.Typer(no_args_is_help=True, help="API keys: who may send what.")
    group.callback(epilog=_EPILOG)(gateway)
    keys.command("create", epilog=_KEY_EPILOG)(create)
    keys.command("list", epilog="Example:  [bold]assay gateway key list --json[/]")(list_)
    keys.command("revoke", epilog="Example:  [bold]assay gateway key revoke 1f0c9a7be244[/]")(revoke)
    group.add_typer(keys, name="key")
    app.add_typer(group, name="gateway")


def gateway(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0: a free one, told in the log.")] = 8790,
    certificate: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="PEM file: speak TLS with this certificate.")
    ] = None,
    private_key: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="PEM file of its key.")] = None,
    patience: Annotated[
        float, typer.Option(min=1, max=55, help="Seconds to wait for Kafka before a sender is told to try again.")
    ] = 20.0,
    window: Annotated[
        float, typer.Option(min=0, help="Hours for which a repeat gets the receipt of the first.")
    ] = 24.0,
    receipts: Annotated[int, typer.Option(min=1_000, help="Receipts remembered at most.")] = 1_000_000,
    held: Annotated[int, typer.Option(min=1, help="MB of messages in hand at most, of all requests.")] = 256,
    log: Annotated[str, typer.Option(help="debug, info, warning, error.")] = "info",
) -> None:
    """Take messages over HTTP: POST /v1/sources/SOURCE/messages.

    Answers 202 when Kafka has acknowledged every message of a request. /docs says what there is, /health and /metrics how
    it is. Whoever may see its address may see those three; let it listen elsewhere than on loopback only with TLS, here or
    in a proxy before it. Exit 0: stopped by SIGTERM or Ctrl-C, with every request answered.
    """
    if context.invoked_subcommand is not None:
        return
    if (certificate is None) != (private_key is None):
        raise typer.BadParameter("a certificate and its key go together", param_hint="--certificate")
    if log not in ("debug", "info", "warning", "error"):
        raise typer.BadParameter("one of debug, info, warning, error", param_hint="--log")
    from streams.gateway.app import Limits
    from streams.gateway.serving import Serving, serve
    from streams.settings import settings
    from streams.worker import logs

    logs.configure(log)  # type: ignore[arg-type]
    limits = Limits(held_bytes=held * 1_000_000)
    serve(settings(), Serving(host, port, certificate, private_key, patience, window * 3600, receipts, limits))


def create(
    source: Annotated[str, typer.Option(help="Name of the sender in the path: small letters, digits, '.', '_', '-'.")],
    format: Annotated[str, typer.Option(help="The one format that it may send, or auto.")] = "auto",
    mapping: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="It sends CSV or JSON read by this mapping file.")
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(
            help="Source system of its declarations. [default: that of the format; of our own contract: SOURCE]"
        ),
    ] = None,
    rate: Annotated[str, typer.Option(help="Messages it may send: 50/s, 600/min.")] = "50/s",
    burst: Annotated[
        float | None, typer.Option(min=1, help="Messages at once after a pause. [default: two seconds' worth]")
    ] = None,
    max_bytes: Annotated[str, typer.Option(help="Largest body: 20MB, 512KiB.")] = "20MB",
    json_wanted: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a key. It is shown once; only a hash of it is kept."""
    from schemas import feeds
    from streams.admission import raw_topic
    from streams.settings import settings

    if format != "auto" and format not in feeds.codecs():
        raise typer.BadParameter(f"known formats: auto, {', '.join(feeds.codecs())}", param_hint="--format")
    wanted: dict[str, Any] = {"source": source, "format": format, "rate": _rate(rate), "max_bytes": _size(max_bytes)}
    wanted["burst"] = burst or max(1.0, 2 * wanted["rate"])
    if mapping is not None:
        from schemas.mapping import Mapping

        if format != "auto":
            raise typer.BadParameter("a mapping is a format of its own; leave --format out", param_hint="--mapping")
        read = Mapping.load(mapping)
        wanted |= {"format": "", "mapping": read.yaml.decode(), "system": system or read.system}
    else:
        wanted["system"] = system
    if wanted["system"] is not None:
        raw_topic(wanted["system"], settings())
    text, key = _keys().create(datetime.now(UTC), **wanted)
    if json_wanted:
        output.as_json({"key": text, **_row(key)})
        return
    typer.echo(text)
    output.errors.print(
        f"This is shown once. It may post to /v1/sources/{key.source}/messages; revoke it with:", markup=False
    )
    output.errors.print(f"assay gateway key revoke {key.id}", markup=False)


def list_(json_wanted: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the keys; what is kept of them, that is."""
    output.show([_row(key) for key in _keys().all()], _COLUMNS, json_wanted)


def revoke(identity: Annotated[str, typer.Argument(metavar="ID", help="The id, as `key list` shows it.")]) -> None:
    """Revoke a key; a running gateway refuses it from its next request on."""
    key = _keys().revoke(identity, datetime.now(UTC))
    output.console.print(f"key {key.id} of {key.source} is revoked", markup=False)


def _keys() -> KeyFile:
    from streams.gateway.serving import key_file
    from streams.settings import settings

    return key_file(settings())


def _row(key: Key) -> dict[str, Any]:
    row = key.model_dump(mode="json", exclude={"hash", "mapping"})
    return row | {"format": "mapping" if key.mapping is not None else key.format}


def _rate(text: str) -> float:
    """Return messages a second."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(?:/([a-z]+))?", text.strip())
    if not found or (found[2] or "s") not in _PERIODS or not float(found[1]):
        raise typer.BadParameter("such as 50/s, 600/min, 1000/h", param_hint="--rate")
    return float(found[1]) / _PERIODS[found[2] or "s"]


def _size(text: str) -> int:
    """Return bytes."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)", text.strip())
    if not found or found[2].upper() not in _UNITS:
        raise typer.BadParameter("such as 20MB or 512KiB", param_hint="--max-bytes")
    size = int(float(found[1]) * _UNITS[found[2].upper()])
    if not 1 <= size <= _LARGEST:
        raise typer.BadParameter(f"1 byte to {_LARGEST:,}, the largest record", param_hint="--max-bytes")
    return size
