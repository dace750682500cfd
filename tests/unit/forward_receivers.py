"""Receivers that hold to their protocol: a request that breaks it fails the test that sent it (`mistakes`)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from schemas.alert import Alert, Provenance
from schemas.export.projection import projection
from streams.forward.target import Envelope

SECRET = b"0123456789abcdef-signing"
NOW = "2026-11-20T08:14:05.120Z"
Response = tuple[int, Any] | None


def alert(name: str, revision: int = 1, status: str | None = None, **changes: Any) -> Alert:
    """Return an alert whose id is its name."""
    fields: dict[str, Any] = {
        "schema": "alert/1", "alert_id": name, "revision": revision, "status": status or ("open" if revision == 1 else "updated"),
        "declaration_id": f"test:{name}", "declaration_version": revision, "raised_at": NOW, "updated_at": NOW, "event_time": NOW,
        "risk_score": 88, "severity": "critical", "confidence": 0.9, "selected_by": ["risk"], "title": f"Gallium 镓 | {name}",
        "summary": f"Revision {revision} of {name}.", "reasons": [], "declaration": {"regime": "export"},
        "provenance": Provenance(rules="r", reference="f", engine="e").model_dump(),
    }  # fmt: skip
    return Alert.model_validate_json(json.dumps(fields | changes))


def envelope(one: Alert, form: str = "json", offset: int = 0) -> Envelope:
    """Return an alert on its way."""
    return Envelope(one, projection(form).line(one), f"alerts/0@{offset}", 0, offset)


def envelopes(names: str, form: str = "json") -> list[Envelope]:
    """Return alerts by ``name/revision``, with spaces between them."""
    pairs = [one.partition("/") for one in names.split()]
    return [envelope(alert(name, int(revision or 1)), form, n) for n, (name, _, revision) in enumerate(pairs)]


class Receiver:
    """An HTTP server on a free port of loopback. ``answers`` are given once each before the server's own judgement."""

    def __init__(self, port: int = 0, context: ssl.SSLContext | None = None) -> None:
        self.answers: list[Response] = []
        self.mistakes: list[str] = []
        self.requests = 0
        self.connections: list[socket.socket] = []
        self.lock = threading.RLock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                receiver.connections.append(self.connection)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.lock:
                    receiver.requests += 1
                    answer = receiver.answers.pop(0) if receiver.answers else receiver.judge(self, body)
                if answer is None:  # hang up without a word
                    self.close_connection = True
                    return
                status, said = answer
                content = said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                for name, value in receiver.headers_of(status).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"

    def headers_of(self, status: int) -> dict[str, str]:
        return {"Retry-After": "1"} if status == 429 else {"Location": "http://127.0.0.1:9/"} if status == 302 else {}

    def judge(self, request: BaseHTTPRequestHandler, body: bytes) -> Response:
        raise AssertionError("a receiver judges")

    def wrong(self, says: str) -> tuple[int, Any]:
        self.mistakes.append(says)
        return 400, {"error": says}

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        for connection in self.connections:  # kept alive otherwise, and answered, by their threads
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.thread.join(30)


class Hook(Receiver):
    """A webhook that checks the signature as Standard Webhooks says, and upserts by alert and revision."""

    def __init__(self, port: int = 0, refused: frozenset[str] = frozenset(), **options: Any) -> None:
        super().__init__(port, **options)
        self.refused = refused
        self.seen: list[tuple[str, int]] = []
        self.held: dict[str, int] = {}
        self.keys: set[str] = set()

    def judge(self, request: BaseHTTPRequestHandler, body: bytes) -> Response:
        headers = request.headers
        identity, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        signed = f"{identity}.{stamp}.".encode() + body
        wanted = "v1," + base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
        if wanted not in headers.get("webhook-signature", "").split(" "):
            return self.wrong("the signature is not that of id, timestamp and body")
        if not stamp.isdecimal() or abs(time.time() - int(stamp)) > 300:
            return self.wrong(f"timestamp {stamp}")
        if headers.get("Idempotency-Key") != identity or headers.get("Content-Type") != "application/cloudevents+json":
            return self.wrong(f"headers {dict(headers)}")
        event = json.loads(body)
        found = event["data"]
        if event["id"] != identity or f"{found['alert_id']}/{found['revision']}" != identity:
            return self.wrong("the body is of another event")
        if found["alert_id"] in self.refused:
            return 422, {"error": "this one never"}
        self.seen.append((found["alert_id"], found["revision"]))
        self.held[found["alert_id"]] = max(found["revision"], self.held.get(found["alert_id"], 0))
        return 202, b""


class Cluster(Receiver):
    """The bulk API of Elasticsearch for one index, with external versions; ids that say `unusable` do not fit its mapping."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.documents: dict[str, tuple[int, dict[str, Any]]] = {}
        self.busy: set[str] = set()

    def judge(self, request: BaseHTTPRequestHandler, body: bytes) -> Response:
        if request.path != "/assay-alerts/_bulk" or request.headers.get("Content-Type") != "application/x-ndjson":
            return self.wrong(f"{request.path} {request.headers.get('Content-Type')}")
        if request.headers.get("Authorization") != "ApiKey a-key":
            return 401, {"error": {"type": "security_exception"}}
        lines = body.decode().split("\n")
        if lines.pop() != "" or len(lines) % 2 or "" in lines:
            return self.wrong("a bulk body has pairs of lines, each with its end")
        items = [
            self._index(json.loads(action), json.loads(source))
            for action, source in zip(lines[::2], lines[1::2], strict=True)
        ]
        return 200, {"took": 1, "errors": any("error" in item["index"] for item in items), "items": items}

    def _index(self, action: dict[str, Any], source: dict[str, Any]) -> dict[str, Any]:
        told = action["index"]
        if set(action) != {"index"} or told.get("version_type") != "external" or "_id" in source:
            self.mistakes.append(f"action {action}, _id in source {'_id' in source}")
        identity, version = told["_id"], told["version"]
        said: dict[str, Any] = {"_index": "assay-alerts", "_id": identity}
        if identity in self.busy:
            return {
                "index": said
                | {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "queue is full"}}
            }
        if "unusable" in identity:
            return {
                "index": said
                | {"status": 400, "error": {"type": "document_parsing_exception", "reason": "no such field"}}
            }
        if identity in self.documents and version <= self.documents[identity][0]:
            conflict = {"type": "version_conflict_engine_exception", "reason": "current version is higher or equal"}
            return {"index": said | {"status": 409, "error": conflict}}
        self.documents[identity] = (version, source)
        return {"index": said | {"_version": version, "result": "created", "status": 201}}


class Collector(Receiver):
    """Splunk's collector: token, shape of events, all events of a request or those before the first bad one."""

    KEYS = frozenset({"time", "host", "source", "sourcetype", "index", "event", "fields"})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.events: list[dict[str, Any]] = []

    def judge(self, request: BaseHTTPRequestHandler, body: bytes) -> Response:
        if request.path != "/services/collector/event":
            return 404, {"text": "The requested URL was not found on this server.", "code": 404}
        if request.headers.get("Authorization") != "Splunk hec-token":
            return 403, {"text": "Invalid token", "code": 4}
        text, at, number, decoder = body.decode(), 0, 0, json.JSONDecoder()
        while at < len(text):
            event, at = decoder.raw_decode(text, at)
            while at < len(text) and text[at].isspace():
                at += 1
            if unknown := set(event) - self.KEYS:
                self.mistakes.append(f"keys {unknown}")
            if not all(isinstance(value, str) for value in event.get("fields", {}).values()):
                self.mistakes.append("indexed fields are texts")
            if not isinstance(event.get("time"), float | int) or not event.get("event"):
                self.mistakes.append("time and event")
            if "unusable" in json.dumps(event["event"]):
                return 400, {"text": "Invalid data format", "code": 6, "invalid-event-number": number}
            self.events.append(event)
            number += 1
        return 200, {"text": "Success", "code": 0}


#: RFC 5424, section 6: HEADER SP STRUCTURED-DATA SP MSG, with the lengths and alphabets of the grammar.
RFC_5424 = re.compile(
    rb"<(?P<pri>0|[1-9]\d{0,2})>1 "
    rb"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)) "
    rb"(?P<host>[\x21-\x7e]{1,255}) (?P<app>[\x21-\x7e]{1,48}) (?P<process>[\x21-\x7e]{1,128}) (?P<kind>[\x21-\x7e]{1,32}) "
    rb'(?P<structured>\[[^\s=\]"\x00-\x20\x7f-\xff]{1,32}(?: [^\s=\]"\x00-\x20\x7f-\xff]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*\]) '
    rb"(?P<text>.*)",
    re.DOTALL,
)


class SyslogServer:
    """Takes octet-counted frames over TCP or TLS, and holds every message to the grammar of RFC 5424."""

    def __init__(self, context: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.messages: list[dict[str, bytes]] = []
        self.mistakes: list[str] = []
        self.connections: list[socket.socket] = []
        self._context = context
        self._listening = socket.create_server(("127.0.0.1", port))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Close every connection."""
        while self.connections:
            gone = self.connections.pop()
            with suppress(OSError):
                gone.shutdown(socket.SHUT_RDWR)
            gone.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._read, args=[connection], daemon=True).start()

    def _read(self, connection: socket.socket) -> None:
        try:
            connection = self._context.wrap_socket(connection, server_side=True) if self._context else connection
            self.connections.append(connection)
            with connection.makefile("rb") as stream:
                while length := self._length(stream):
                    content = stream.read(length)
                    found = RFC_5424.fullmatch(content)
                    if found is None or int(found["pri"]) > 191 or len(content) != length:
                        self.mistakes.append(f"no RFC 5424: {content[:200]!r}")
                    else:
                        found["text"].decode("utf-8")
                        self.messages.append(found.groupdict())
        except OSError:
            return

    def _length(self, stream: Any) -> int:
        digits = b""
        while (byte := stream.read(1)) not in (b" ", b""):
            digits += byte
        if digits and not re.fullmatch(rb"[1-9]\d*", digits):
            self.mistakes.append(f"no MSG-LEN: {digits[:40]!r}")
            return 0
        return int(digits or b"0")


@contextmanager
def certificates(folder: Path) -> Iterator[tuple[Path, ssl.SSLContext]]:
    """Yield a certificate for 127.0.0.1, which is its own authority, and a server's context with it."""
    pem, key = folder / "server.pem", folder / "server.key"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    command += [
        "-subj",
        "/CN=127.0.0.1",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(key),
        "-out",
        str(pem),
    ]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    yield pem, context
