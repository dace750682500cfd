"""The application: access, acts, events and pages around one store."""

from __future__ import annotations

import contextlib
import importlib.util
import threading
import time
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import quote, urlsplit

import structlog
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from schemas import ENGINE_VERSION
from streams.console.events import Events, News
from streams.console.intake import Feeds, Reader, Sender
from streams.console.settings import ConsoleSettings
from streams.console.store import FeedHealth, Store
from streams.settings import Settings

log = structlog.stdlib.get_logger(__name__)

_EXPIRE_SECONDS: Final = 3.0
#: For all that talk to Kafka together; what they are in the middle of is done again at the next start.
_STOP_SECONDS: Final = 6.0
#: After so many records taken in the planner is told anew how values are spread.
_TIDY_EVERY: Final = 5_000


class Console:
    """All that routes share; ``console = Depends(the_console)`` in a route.

    Attributes
    ----------
    store, events : what is kept, and the news of it.
    oidc : whether log-in by OpenID Connect is set up.
    """

    def __init__(self, chosen: Settings, own: ConsoleSettings, kafka: bool = True) -> None:
        """Open the store; nothing runs before `start`. ``kafka`` false: only what the database holds, for tests and benches.

        SettingsError: the database cannot be used.
        """
        self.chosen = chosen
        self.own = own
        self.events = Events()
        self.store = Store(own.database_url(chosen), publish=self.events.publish)
        self.oidc = own.oidc_issuer is not None
        self._reader = Reader(self.store, chosen, self.events.publish) if kafka else None
        self._sender = Sender(self.store, chosen) if kafka else None
        self._feeds = Feeds(chosen, own.workers) if kafka else None
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="console keeper", daemon=True)

    @property
    def kafka(self) -> bool:
        """Whether Kafka answers."""
        return self._reader is not None and self._reader.up

    def start(self) -> None:
        """Begin to read and to send."""
        for part in self._parts():
            part.start()
        self._keeper.start()

    def stop(self) -> None:
        """End everything; what is in the outbox is sent at the next start."""
        self._ended.set()
        self.events.close()
        for part in self._parts():
            part.end()
        limit = time.monotonic() + _STOP_SECONDS
        for part in self._parts():
            part.join(limit - time.monotonic())
        if self._keeper.ident is not None:
            self._keeper.join(_STOP_SECONDS)
        self.store.close()

    def wake(self) -> None:
        """Something is in the outbox."""
        if self._sender is not None:
            self._sender.wake()

    def health(self) -> FeedHealth:
        """Return how the feeds are, as of the last look."""
        waiting, oldest = self.store.outbox.state()
        reader, feeds = self._reader, self._feeds
        look = feeds.look if feeds is not None else None
        trouble = reader.trouble if reader is not None else "this console runs without Kafka"
        return FeedHealth(
            at=self.store.clock(),
            kafka=self.kafka,
            trouble=trouble or (feeds.trouble if feeds is not None else None),
            sources=look.sources if look else (),
            dead_letters=look.dead_letters if look else None,
            console_lag=reader.lag if reader is not None else None,
            outbox=waiting,
            oldest_in_outbox=oldest,
            bad_records=self.store.outbox.bad_records(),
            workers=look.workers if look else (),
        )

    def _parts(self) -> list[Any]:
        return [part for part in (self._reader, self._sender, self._feeds) if part is not None]

    def _keep(self) -> None:
        """End suppressions in time; keep the planner informed."""
        tidied = 0
        with contextlib.suppress(Exception):  # else the first who asks waits for it, or is told what is wrong
            self.store.queue.warm()
        while not self._ended.wait(_EXPIRE_SECONDS):
            try:
                self.store.suppressions.expire()
                seen = self._reader.records if self._reader is not None else 0
                if seen - tidied >= _TIDY_EVERY and self._reader is not None and not self._reader.lag:
                    tidied = seen
                    self.store.database.tidy()
            except Exception:  # the next round tries again
                log.exception("the keeper of the console")


def the_console(request: Request) -> Console:
    """Give a route the console (a dependency)."""
    found: Console = request.app.state.console
    return found


def create_app(console: Console) -> FastAPI:
    """Return the application.

    Routes of this side (all JSON unless said; forms may post to them too, and are then sent back (303) to the field ``next``):

    ============================================  =========================================================================
    ``POST /login``                               fields ``name``, ``password``, ``next``; 303 to next, or to ``/login?failed=1``
    ``GET /login/oidc``, ``GET /login/oidc/back``  log-in by OpenID Connect, where set (``console.oidc`` is then true)
    ``POST /logout``                              303 to ``/login``
    ``GET /setup/{token}``                        one-time link: logs in its person, 303 to ``/``
    ``POST /api/alerts/decide``                   ids, verdict, confirmed_codes, found, revenue_recovered, note
    ``POST /api/alerts/take|release``             ids
    ``POST /api/alerts/hand-over``                ids, to, note
    ``GET /api/queue``, ``/api/queue/counts``     parameters of `QueueQuery`
    ``GET /api/alerts/{alert_id}``                the alert as it may be seen
    ``GET /api/export.csv``, ``/api/export.json``  parameters of `QueueQuery`, or ``ids``
    ``GET|POST /api/views``, ``DELETE ../{id}``   saved views; form: ``POST /api/views/{id}/delete``
    ``GET|POST /api/suppressions``                and ``POST /api/suppressions/preview``, ``POST /api/suppressions/{id}/end``
    ``GET|POST /api/drafts``                      and ``POST /api/drafts/{id}/close``
    ``GET /api/overview``, ``/api/feeds``         numbers, health of the feeds
    ``GET /api/audit``                            the trail (supervisor)
    ``GET /api/users``                            who may log in (admin); ``POST ../{name}``: role, active; ``../log-out``
    ``GET /events``                               server-sent events, see `streams.console.events`
    ``GET /health``, ``/health/live``             for monitoring, without log-in
    ============================================  =========================================================================

    Acts on many take ``ids``, or ``query``: the queue's parameters as in its address.

    Pages: every ``APIRouter`` of ``streams.console.pages.routers()`` is included, among them ``GET /login`` (`anybody`).
    ``streams.console.pages.error(request, status, sentence)`` makes the page of an error. Policy for all answers: ``default-src
    'self'``, no inline script, no inline style, images also ``data:``; static files under ``/static/`` need no log-in.
    """
    from starlette.middleware.sessions import SessionMiddleware

    from streams.console import api
    from streams.console.access.gate import Gate
    from streams.console.access.headers import Headers
    from streams.console.access.oidc import client
    from streams.console.access.requests import guard

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        console.start()
        yield
        await run_in_threadpool(console.stop)

    app = FastAPI(
        title="Assay console",
        version=ENGINE_VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
        dependencies=[Depends(guard)],
    )
    gate = Gate(console.store, console.own)
    app.state.console, app.state.gate = console, gate
    app.state.oidc = client(console.own) if console.oidc else None
    for router in api.routers():
        app.include_router(router)
    pages = (
        importlib.import_module("streams.console.pages") if importlib.util.find_spec("streams.console.pages") else None
    )
    for router in getattr(pages, "routers", list)():
        app.include_router(router)
    _errors(app, getattr(pages, "error", None))
    if console.oidc:  # holds state and nonce between going to the provider and coming back, nothing else
        app.add_middleware(
            SessionMiddleware,
            secret_key=console.store.database.secret("cookies"),
            session_cookie="assay_oidc",
            max_age=600,
            same_site="lax",
            https_only=console.own.secure,
            path="/login/oidc",
        )
    app.add_middleware(Headers, gate=gate)
    return app


def _errors(app: FastAPI, page: Any) -> None:
    def answered(request: Request, status: int, sentence: str, headers: Any = None) -> Response:
        if status == 401:
            following = quote(_where(request), safe="")
            if request.headers.get("hx-request"):
                return PlainTextResponse(sentence, 401, {"HX-Redirect": f"/login?next={following}"})
            if _wants_page(request) and request.method == "GET":
                return RedirectResponse(f"/login?next={following}", 303)
        if page is not None and _wants_page(request):
            answer: Response = page(request, status, sentence)
            answer.headers.update(headers or {})
            return answer
        return JSONResponse({"error": sentence}, status, headers)

    @app.exception_handler(AnyHTTPException)
    async def refused(request: Request, error: AnyHTTPException) -> Response:
        return await run_in_threadpool(answered, request, error.status_code, str(error.detail), error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"][1:])
        return await run_in_threadpool(answered, request, 422, f"{where}: {problem['msg']}")

    for kind, status in ((ValueError, 422), (LookupError, 404), (PermissionError, 403)):

        @app.exception_handler(kind)
        async def wrong(request: Request, error: Exception, status: int = status) -> Response:
            if type(error) not in (ValueError, KeyError, LookupError, PermissionError):
                raise error  # not said on purpose
            sentence = str(error.args[0]) if error.args else "that cannot be"
            return await run_in_threadpool(answered, request, status, sentence)


def _wants_page(request: Request) -> bool:
    path = request.url.path
    accepts = request.headers.get("accept", "")
    return (
        "text/html" in accepts and not path.startswith(("/events", "/health")) and "hx-request" not in request.headers
    )


def _where(request: Request) -> str:
    parts = urlsplit(str(request.url))
    return parts.path + (f"?{parts.query}" if parts.query else "")


__all__ = ["Console", "HTTPException", "News", "create_app", "the_console"]
