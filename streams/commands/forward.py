"""``assay forward TARGET``: alerts to the tools of others, at least once and in order."""

from __future__ import annotations

import json as json_
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.forward.options import (
    FORMAT_HELP,
    SECRETS,
    TLS,
    Attempts,
    Beginning,
    Ca,
    Certificate,
    Follow,
    From,
    Input,
    Link,
    Name,
    PrivateKey,
    RefusedFile,
    Scheme,
    Timeout,
    TokenFile,
    User,
)
from streams.output import as_json, complain

if TYPE_CHECKING:
    from streams.forward.http import Http
    from streams.forward.target import Target


def register(app: typer.Typer) -> None:
    """Add the command group ``forward``."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Deliver alerts to other tools: at least once, each alert in order, with ids that do not change.",
    )
    app.add_typer(group, name="forward")
    group.command(
        epilog="Example: ASSAY_FORWARD_SECRET=whsec_... assay forward webhook https://soar.example/hooks/assay"
    )(webhook)
    group.command(
        epilog="Example: ASSAY_FORWARD_TOKEN=... assay forward elasticsearch https://es.example:9200 --index assay-alerts"
    )(elasticsearch)
    group.command(epilog="Example: assay forward splunk https://splunk.example:8088 --token-file hec.token")(splunk)
    group.command(epilog="Example: assay forward syslog siem.example:6514 --tls --ca authority.pem")(syslog)
    group.command(epilog="Example: assay forward file /var/spool/assay/alerts.ndjson --format ocsf --rotate 100")(file)


def webhook(
    url: Annotated[str, typer.Argument(help="Where to POST.")],
    form: Annotated[str, typer.Option("--format", help=FORMAT_HELP)] = "cloudevents",
    secret_file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, rich_help_panel=SECRETS,
            help="File with the signing secret (whsec_ and base64, or a text of 16 letters or more; two with a space between "
            "them while one replaces the other); else ASSAY_FORWARD_SECRET.",
        ),
    ] = None,
    token_file: TokenFile = None,
    user: User = None,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Alerts in flight; each alert stays in order.")] = 4,
    timeout: Timeout = 30.0,
    attempts: Attempts = 0,
    refused: RefusedFile = None,
    link: Link = None,
    name: Name = None,
    start: From = Beginning.beginning,
    follow: Follow = True,
    input: Input = None,
    ca: Ca = None,
    certificate: Certificate = None,
    private_key: PrivateKey = None,
) -> None:  # fmt: skip
    """POST each revision of an alert, signed with HMAC-SHA256 as Standard Webhooks specifies.

    Headers: webhook-id and Idempotency-Key (alert_id/revision, the same at each try), webhook-timestamp, webhook-signature,
    and Authorization with a token or user. 2xx acknowledges; 400, 413, 422 and the like refuse the alert for good; anything
    else is tried again, with growing pauses up to a minute.
    """

    def target() -> Target:
        from streams.forward.credentials import Secret
        from streams.forward.progress import log
        from streams.forward.webhook import Webhook

        secret = Secret("ASSAY_FORWARD_SECRET", secret_file)
        if secret.value() is None:
            log.warning("posts are not signed: neither --secret-file nor ASSAY_FORWARD_SECRET")
        media_type = _projection(form).media_type
        http, token = _http(timeout, ca, certificate, private_key), _token(token_file)
        return Webhook(_address(url, user), http, secret, token, media_type, at_once)

    _run(target, form, name or "webhook", start, follow, input, refused, attempts, link)


def elasticsearch(
    url: Annotated[str, typer.Argument(help="The cluster, as https://HOST:9200; not needed with --template.")] = "",
    index: Annotated[
        str, typer.Option(help="Index or alias; no data stream, which cannot replace documents.")
    ] = "assay-alerts",
    form: Annotated[str, typer.Option("--format", help=FORMAT_HELP + " One of JSON objects.")] = "ecs",
    template: Annotated[
        bool, typer.Option("--template", help="Print an index template for --format ecs, and stop.")
    ] = False,
    token_file: TokenFile = None,
    scheme: Annotated[
        Scheme, typer.Option(help="How the token is sent (OpenSearch: bearer).", rich_help_panel=SECRETS)
    ] = Scheme.api_key,
    user: User = None,
    timeout: Timeout = 30.0,
    attempts: Attempts = 0,
    refused: RefusedFile = None,
    link: Link = None,
    name: Name = None,
    start: From = Beginning.beginning,
    follow: Follow = True,
    input: Input = None,
    ca: Ca = None,
    certificate: Certificate = None,
    private_key: PrivateKey = None,
) -> None:
    """Write alerts into Elasticsearch or OpenSearch: one document an alert, replaced by each later revision.

    The document's id is the alert's, its version (external) the revision: repeats and late ones change nothing. Each item
    of a bulk answer is judged by itself.
    """
    if template:
        from schemas.export.ecs import TEMPLATE

        as_json(TEMPLATE | {"index_patterns": [f"{index}*"]})
        return
    if not url:
        raise typer.BadParameter("name the cluster, as https://HOST:9200")

    def target() -> Target:
        from streams.forward.elasticsearch import Elasticsearch

        _needs_object(form)
        http, words = _http(timeout, ca, certificate, private_key), {"apikey": "ApiKey", "bearer": "Bearer"}
        return Elasticsearch(_address(url, user), http, index, _token(token_file), words[scheme])

    _run(target, form, name or "elasticsearch", start, follow, input, refused, attempts, link)


def splunk(
    url: Annotated[str, typer.Argument(help="The collector, as https://HOST:8088.")],
    form: Annotated[str, typer.Option("--format", help=FORMAT_HELP + " Others go into Splunk's envelope.")] = "splunk",
    index: Annotated[str, typer.Option(help="Index; without it the token's own.")] = "",
    token_file: TokenFile = None,
    timeout: Timeout = 30.0,
    attempts: Attempts = 0,
    refused: RefusedFile = None,
    link: Link = None,
    name: Name = None,
    start: From = Beginning.beginning,
    follow: Follow = True,
    input: Input = None,
    ca: Ca = None,
    certificate: Certificate = None,
    private_key: PrivateKey = None,
) -> None:
    """Send alerts to Splunk's HTTP Event Collector; each revision is an event.

    Search for the newest with: dedup assay_alert_id sortby -assay_revision. The token must not ask for indexer acknowledgement.
    """

    def target() -> Target:
        from schemas.errors import SettingsError
        from streams.forward.splunk import Splunk

        token = _token(token_file)
        if token.value() is None:
            raise SettingsError("the collector wants a token: --token-file or ASSAY_FORWARD_TOKEN")
        return Splunk(_address(url, None), _http(timeout, ca, certificate, private_key), token)

    _run(target, form, name or "splunk", start, follow, input, refused, attempts, link, _enveloped(index))


def syslog(
    to: Annotated[str, typer.Argument(metavar="HOST:PORT", help="The server; 514 is usual for TCP, 6514 for TLS.")],
    form: Annotated[str, typer.Option("--format", help=FORMAT_HELP)] = "cef",
    tls: Annotated[
        bool, typer.Option("--tls", help="Encrypt, and check the server's certificate.", rich_help_panel=TLS)
    ] = False,
    facility: Annotated[int, typer.Option(min=0, max=23, help="Facility; 16: local0.")] = 16,
    hostname: Annotated[str, typer.Option(help="HOSTNAME of the messages. Default: this machine's.")] = "",
    enterprise: Annotated[
        int,
        typer.Option(
            min=1, help="Private enterprise number in the structured data; the default is the one for examples."
        ),
    ] = 32473,
    timeout: Timeout = 30.0,
    attempts: Attempts = 0,
    refused: RefusedFile = None,
    link: Link = None,
    name: Name = None,
    start: From = Beginning.beginning,
    follow: Follow = True,
    input: Input = None,
    ca: Ca = None,
    certificate: Certificate = None,
    private_key: PrivateKey = None,
) -> None:
    """Send alerts as RFC 5424 messages over TCP or TLS, framed by octet counting.

    Severity: critical 2, high 3, medium 4, low 5, withdrawn 6. Syslog does not acknowledge: delivered means that the server's
    TCP has every byte.
    """

    def target() -> Target:
        import socket

        from schemas.errors import SettingsError
        from streams.forward import http
        from streams.forward.syslog import Address, Syslog

        if not tls and (ca or certificate or private_key):
            raise SettingsError("--ca, --certificate and --private-key need --tls")
        context = http.tls(ca, certificate, private_key) if tls else None
        host, port = _place(to)
        return Syslog(Address(host, port, hostname or socket.gethostname(), facility, enterprise), context, timeout)

    _run(target, form, name or "syslog", start, follow, input, refused, attempts, link)


def file(
    path: Annotated[Path, typer.Argument(dir_okay=False, help="Where to append, one alert a line.")],
    form: Annotated[str, typer.Option("--format", help=FORMAT_HELP)] = "json",
    rotate: Annotated[
        float, typer.Option(min=0, help="MB from which PATH is renamed to PATH.1, PATH.2, ...; 0: never.")
    ] = 0,
    keep: Annotated[int, typer.Option(min=0, help="Renamed files to keep, the newest; 0: all.")] = 0,
    attempts: Attempts = 0,
    refused: RefusedFile = None,
    link: Link = None,
    name: Name = None,
    start: From = Beginning.beginning,
    follow: Follow = True,
    input: Input = None,
) -> None:
    """Append alerts to a file, on disk before the offset moves. A line that a crash cut is removed and written again."""

    def target() -> Target:
        from streams.forward.file import File

        return File(path, int(rotate * 1_000_000), keep)

    _run(target, form, name or "file", start, follow, input, refused, attempts, link)


def _run(
    make: Callable[[], Target],
    form: str,
    name: str,
    start: Beginning,
    follow: bool,
    source: Path | None,
    refused: Path | None,
    attempts: int,
    link: str | None,
    wrapped: Callable[[str, Callable[[Any], str]], Callable[[Any], str]] = lambda form, line: line,
) -> None:
    from streams.forward.reading import lines
    from streams.forward.running import Plan, run
    from streams.worker import logs

    logs.configure("info")
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", name):
        raise typer.BadParameter(f"{name!r}: ASCII letters, digits, '.', '_' and '-'", param_hint="--name")
    line = wrapped(form, lines(_projection(form), link))
    done, kept = run(Plan(name, line, start.value, follow, source, refused, attempts), make())
    if done.refused and (source or not follow):
        complain(f"{done.refused} refused; {kept} has them with the reasons")
        raise typer.Exit(1)


def _projection(form: str) -> Any:
    from schemas.errors import SettingsError
    from schemas.export.projection import projection

    try:
        return projection(form)
    except SettingsError as error:
        raise typer.BadParameter(str(error), param_hint="--format") from None


def _needs_object(form: str) -> None:
    if _projection(form).media_type.startswith("text/"):
        raise typer.BadParameter(f"{form} is a line of text; Elasticsearch takes JSON objects", param_hint="--format")


def _http(timeout: float, ca: Path | None, certificate: Path | None, private_key: Path | None) -> Http:
    from streams.forward import http

    return http.Http(http.tls(ca, certificate, private_key), timeout)


def _token(token_file: Path | None) -> Any:
    from streams.forward.credentials import Secret

    return Secret("ASSAY_FORWARD_TOKEN", token_file)


def _address(url: str, user: str | None) -> Any:
    from dataclasses import replace

    from schemas.errors import SettingsError
    from streams.forward.credentials import Secret, address

    found = address(url)
    if user is None:
        return found
    password = Secret("ASSAY_FORWARD_PASSWORD").value()
    if password is None:
        raise SettingsError("--user needs ASSAY_FORWARD_PASSWORD")
    return replace(found, user=user, password=password)


def _place(to: str) -> tuple[str, int]:
    host, _, port = to.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise typer.BadParameter(f"{to!r} is not HOST:PORT", param_hint="HOST:PORT")
    return host.strip("[]"), int(port)


def _enveloped(index: str) -> Callable[[str, Callable[[Any], str]], Callable[[Any], str]]:
    """Put what is not Splunk's own format into its envelope, and the index into all."""
    from schemas.export.projection import compact

    def wrapped(form: str, line: Callable[[Any], str]) -> Callable[[Any], str]:
        from schemas.export import splunk as hec

        def enveloped(alert: Any) -> str:
            said = line(alert)
            if form == "splunk":
                envelope = json_.loads(said)
            else:
                event = said if form == "cef" else json_.loads(said)
                envelope = hec.enveloped(alert, event, f"assay:{form}")
            return compact(envelope | ({"index": index} if index else {}))

        return enveloped

    return wrapped
