"""The HTTP interface: keys, sizes and rates first, then the body, then Kafka, and only then an answer of success."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.requests import ClientDisconnect

from schemas import ENGINE_VERSION
from schemas.errors import FeedError, SettingsError
from streams.admission import answer_edifact
from streams.gateway import bodies, describe
from streams.gateway.delivery import Delivery, TooLargeError, UnavailableError
from streams.gateway.intake import Check, Entry, GatewayIntake
from streams.gateway.keys import Key, KeyFile, now
from streams.gateway.limits import Bucket, Budget, Hold
from streams.gateway.metrics import Metrics
from streams.gateway.problems import Problem, answer_problem

log = structlog.stdlib.get_logger(__name__)

_EDIFACT: Final = "application/edifact"
#: All header lines of a request together.
MAX_HEAD: Final = 16 * 1024
_RETRY_SECONDS: Final = 5
_BUSY_SECONDS: Final = 1


@dataclass(frozen=True)
class Limits:
    """What one request, and all of them together, may cost.

    Attributes
    ----------
    held_bytes : bodies being read and messages not acknowledged, of all requests.
    requests : being answered at once.
    messages, unpacked_bytes : in one request; what a body may unpack to, where that is more than the key's ``max_bytes``.
    idle_seconds, body_seconds : between two pieces of a body, and for all of it.
    """

    held_bytes: int = 256 * 1024 * 1024
    requests: int = 256
    messages: int = 10_000
    unpacked_bytes: int = 64 * 1024 * 1024
    idle_seconds: float = 15.0
    body_seconds: float = 120.0


@dataclass
class Gateway:
    """All that the requests share."""

    keys: KeyFile
    intake: GatewayIntake
    delivery: Delivery
    metrics: Metrics
    limits: Limits = field(default_factory=Limits)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.budget = Budget(self.limits.held_bytes)
        self.buckets: dict[str, Bucket] = {}
        self.active = 0

    def authorised(self, request: Request, source: str) -> Key:
        """Return the key of a request; Problem if it has none, or one for another source."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            key = self.keys.find(given.strip()) if scheme.lower() == "bearer" else None
        except SettingsError as error:
            log.error("keys cannot be read", error=type(error).__name__)
            raise _later("the keys cannot be read", _RETRY_SECONDS) from None
        if key is None:
            raise Problem(401, "an API key is needed: Authorization: Bearer assay_...")
        if key.source != source:
            raise Problem(403, "this key may not post to this source")
        return key

    def bucket(self, key: Key) -> Bucket:
        """Return the rate of a key, made anew where the key has changed."""
        found = self.buckets.get(key.id)
        if found is None or (found.rate, found.burst) != (key.rate, key.burst):
            found = self.buckets[key.id] = Bucket(key.rate, key.burst)
        return found

    def unavailable(self) -> str | None:
        """Return why nothing can be taken now, or None."""
        if self.stopping.is_set():
            return "the gateway is stopping"
        return None if self.delivery.up else self.delivery.trouble


def create(gateway: Gateway) -> FastAPI:
    """Return the application."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await gateway.delivery.start()
        yield
        await gateway.intake.stop()
        await gateway.delivery.stop()

    app = FastAPI(
        title="Assay gateway",
        version=ENGINE_VERSION,
        description=describe.DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )

    @app.post(
        "/v1/sources/{source}/messages", status_code=202, openapi_extra=describe.POST, responses=describe.RESPONSES,
        tags=["messages"], summary="Hand in one message or many",
    )  # fmt: skip
    async def post(request: Request, source: str, check: Check = "decode") -> Response:
        began = time.monotonic()
        told: dict[str, Any] = {"source": source if len(source) <= 63 else source[:63]}
        label = "unknown"
        try:
            if sum(len(name) + len(value) for name, value in request.headers.raw) > MAX_HEAD:
                raise Problem(431, f"header lines of more than {MAX_HEAD:,} bytes", close=True)
            key = gateway.authorised(request, source)
            label = told["source"] = key.source
            told["key"] = key.id
            answer = await _post(gateway, request, key, check, told)
        except Problem as problem:
            answer = answer_problem(problem)
        except ClientDisconnect:
            answer = answer_problem(Problem(400, "the sender went away before the body was whole"))
        taken = time.monotonic() - began
        gateway.metrics.requests.labels(label, answer.status_code).inc()
        gateway.metrics.seconds.observe(taken)
        log.info("answered", status=answer.status_code, seconds=round(taken, 4), **told)
        return answer

    @app.get("/health", tags=["operation"], summary="Alive, ready, and why not")
    @app.get("/health/ready", tags=["operation"], summary="Takes messages: 200, else 503")
    async def ready() -> JSONResponse:
        why = gateway.unavailable()
        report = {
            "live": True,
            "ready": why is None,
            "kafka": gateway.delivery.up,
            "reasons": [why] if why else [],
            "held_bytes": gateway.budget.held,
            "requests": gateway.active,
        }
        return JSONResponse(report, status_code=503 if why else 200)

    @app.get("/health/live", tags=["operation"], summary="The process answers")
    async def live() -> dict[str, bool]:
        return {"live": True}

    @app.get("/metrics", tags=["operation"], summary="Prometheus text format", response_class=Response)
    async def metrics() -> Response:
        gateway.metrics.held.set(gateway.budget.held)
        gateway.metrics.up.set(gateway.delivery.up)
        return Response(gateway.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(describe.page(app.openapi()), headers={"Content-Security-Policy": describe.POLICY})

    return app


def _later(why: str, seconds: int, close: bool = False) -> Problem:
    """Return the answer to a request of which nothing was taken, and that may come again unchanged."""
    said = f"{why}; nothing of this request was taken: send it again in {seconds} s"
    return Problem(503, said, retry=seconds, close=close)


async def _post(gateway: Gateway, request: Request, key: Key, check: Check, told: dict[str, Any]) -> Response:
    """Answer a request whose key is good."""
    limits, intake = gateway.limits, gateway.intake
    wait = gateway.bucket(key).wait()
    if wait:
        raise Problem(429, f"more than {key.rate:g} messages a second", retry=wait)
    why = gateway.unavailable()
    if why and check != "only":
        raise _later(why, _RETRY_SECONDS)
    if gateway.active >= limits.requests:
        raise _later(f"{limits.requests} requests are being answered", _BUSY_SECONDS)
    content_type = request.headers.get("content-type")
    if not bodies.known_type(bodies.media_type(content_type)):
        raise Problem(415, f"no messages come as {bodies.media_type(content_type)[:80]!r}; see /docs")
    if request.headers.get("content-encoding", "identity").lower() not in ("identity", "gzip"):
        raise Problem(415, "of content encodings, gzip is read")
    hold = Hold(gateway.budget)
    gateway.active += 1
    handed = False
    try:
        body = await _body(gateway, request, key, hold)
        gateway.metrics.bytes.labels(key.source).inc(len(body))
        told["bytes"] = len(body)
        most_bytes = max(key.max_bytes, limits.unpacked_bytes)
        try:
            entries = await intake.look(key, body, content_type, check, now(), limits.messages, most_bytes)
        except bodies.TooManyError as error:
            gateway.bucket(key).take(1)
            raise Problem(413, str(error)) from None
        except FeedError as error:
            gateway.bucket(key).take(1)
            raise Problem(422, error.reason, errors=[{"message": None, "path": None, "reason": error.reason}]) from None
        gateway.bucket(key).take(max(1, len(entries)))
        told["messages"] = len(entries)
        if not entries:
            raise Problem(422, "there is no message in the body")
        if check == "only":
            return _checked(entries)
        unpacked = sum(len(entry.record.raw) for entry in entries) - hold.count
        if unpacked > 0 and not hold.take(unpacked):
            raise _later("too many bytes are waiting for Kafka", _BUSY_SECONDS)
        del body
        handed = True
        try:
            await intake.deliver(entries, hold, key.source)
        except TooLargeError as error:
            raise Problem(413, str(error)) from None
        except UnavailableError as error:
            repeat = f"send all of it again in {_RETRY_SECONDS} s, which is harmless"
            detail = f"{error}; some of this request may be in Kafka: {repeat}"
            raise Problem(503, detail, retry=_RETRY_SECONDS) from None
    finally:
        gateway.active -= 1
        if not handed:
            hold.release()
    repeated = sum(entry.repeated for entry in entries)
    told["refused"], told["repeated"] = sum(entry.refused for entry in entries), repeated
    if repeated:
        gateway.metrics.messages.labels(key.source, "repeated").inc(repeated)
    return _answer(request, entries)


async def _body(gateway: Gateway, request: Request, key: Key, hold: Hold) -> bytes:
    """Read a body within the key's size, the bytes in hand, and the time that a body may take."""
    limits = gateway.limits
    stated = request.headers.get("content-length", "")
    if stated.isdecimal():
        if int(stated) > key.max_bytes:
            raise Problem(413, f"a body of {int(stated):,} bytes; this key may send {key.max_bytes:,}", close=True)
        if not hold.take(int(stated)):
            raise _later("too many bytes are waiting for Kafka", _BUSY_SECONDS)
    pieces: list[bytes] = []
    size = 0
    stream = request.stream().__aiter__()
    stopping = asyncio.ensure_future(gateway.stopping.wait())
    ends = time.monotonic() + limits.body_seconds
    try:
        while True:
            piece = asyncio.ensure_future(anext(stream, None))
            left = min(limits.idle_seconds, ends - time.monotonic())
            done, _ = await asyncio.wait({piece, stopping}, timeout=max(0.0, left), return_when=asyncio.FIRST_COMPLETED)
            if piece not in done:
                piece.cancel()
                with contextlib.suppress(asyncio.CancelledError, ClientDisconnect):
                    await piece
                if stopping in done:
                    raise _later("the gateway is stopping", _RETRY_SECONDS, close=True)
                raise Problem(408, "the body came too slowly", close=True)
            found = piece.result()
            if found is None:
                return b"".join(pieces)
            size += len(found)
            if size > key.max_bytes:
                raise Problem(
                    413, f"a body of more than the {key.max_bytes:,} bytes that this key may send", close=True
                )
            if size > hold.count and not hold.take(size - hold.count):
                raise _later("too many bytes are waiting for Kafka", _BUSY_SECONDS, close=True)
            pieces.append(found)
    finally:
        stopping.cancel()


def _answer(request: Request, entries: list[Entry]) -> Response:
    """Return the receipts; a success only if Kafka has every message of the request."""
    refused = [entry for entry in entries if entry.refused]
    headers = {"Assay-Repeated": str(sum(entry.repeated for entry in entries))}
    if _EDIFACT in request.headers.get("accept", "") and len(entries) == 1:
        record, receipt = entries[0].record, entries[0].receipt
        error = next((FeedError(e["reason"], e["path"] or "") for e in receipt.get("errors", [])), None)
        with contextlib.suppress(FeedError):  # what cannot be answered in EDIFACT is answered in JSON
            answered = answer_edifact(record.raw, error, now())
            return Response(answered, 422 if refused else 202, headers | {"Assay-Receipt": entries[0].id}, _EDIFACT)
    said = {
        "accepted": len(entries) - len(refused),
        "refused": len(refused),
        "messages": [entry.receipt for entry in entries],
    }
    if not refused:
        return JSONResponse(said, 202, headers)
    errors = [
        {"message": n, **error} for n, entry in enumerate(entries, 1) if entry.refused for error in _errors(entry)
    ]
    problem = Problem(422, f"{len(refused)} of {len(entries)} messages cannot be used", errors=errors, more=said)
    return answer_problem(problem, headers)


def _errors(entry: Entry) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = entry.receipt["errors"]
    return found


def _checked(entries: list[Entry]) -> JSONResponse:
    """Say what would become of messages; nothing was sent or kept."""
    refused = sum(entry.refused for entry in entries)
    kept = ({k: v for k, v in entry.receipt.items() if k != "dead_letter"} for entry in entries)
    said = {"would_accept": len(entries) - refused, "would_refuse": refused, "messages": list(kept)}
    return JSONResponse(said, 422 if refused else 200)
