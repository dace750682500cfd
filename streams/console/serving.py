"""uvicorn around the console: a loopback port, known hosts only, and a stop that ends streams."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Final
from urllib.parse import urlsplit

import structlog
import uvicorn
from starlette.middleware.trustedhost import TrustedHostMiddleware

from schemas.errors import SettingsError
from streams.console.app import Console, create_app

log = structlog.stdlib.get_logger(__name__)

HOST: Final = "127.0.0.1"
PORT: Final = 8791
_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]", "::1")
_BACKLOG: Final = 256


@dataclass(frozen=True)
class Serving:
    """Where to serve."""

    host: str = HOST
    port: int = PORT


class _Server(uvicorn.Server):
    """Ends the streams of events when it is told to stop; they would keep it from stopping."""

    def __init__(self, config: uvicorn.Config, console: Console) -> None:
        super().__init__(config)
        self._console = console

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._console.events.close()
        super().handle_exit(sig, frame)


def serve(console: Console, how: Serving, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; ``ready`` is told the address once the port is ours. SettingsError if it is taken."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi"):
        logging.getLogger(name).setLevel(logging.WARNING)
    app = create_app(console)
    hosts = _hosts(console, how)
    if hosts:
        # A page of another site that gave itself our address (DNS rebinding) still names its own host.
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(console.own.proxies),
        forwarded_allow_ips=list(console.own.proxies) or None,
        limit_concurrency=500,
        backlog=_BACKLOG,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=8,
    )
    with _bound(how) as listening:
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, _stopped_already)  # uvicorn raises the signal once more when it has stopped
        ready(address(console, how, listening.getsockname()[1]))
        _Server(config, console).run(sockets=[listening])


def address(console: Console, how: Serving, port: int) -> str:
    """Return what people type."""
    if console.own.url:
        return console.own.url
    host = how.host if how.host not in ("0.0.0.0", "::") else socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _hosts(console: Console, how: Serving) -> list[str]:
    named = urlsplit(console.own.url or "").hostname
    if how.host not in _LOOPBACK and not named:
        return []  # told to listen elsewhere, and not told by what name: any name is right
    return [*_LOOPBACK, how.host, *([named] if named else [])]


def _stopped_already(*_: object) -> None:
    """Do nothing: the server has heard it."""


def _bound(how: Serving) -> socket.socket:
    family = socket.AF_INET6 if ":" in how.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((how.host, how.port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise SettingsError(f"cannot listen on {how.host}:{how.port}: {error.strerror or error}") from None
    return listening
