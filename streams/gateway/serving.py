"""uvicorn around the application: a loopback port, bounded heads, and a stop that cuts nobody off."""

from __future__ import annotations

import logging
import os
import signal
import socket
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

import structlog
import uvicorn

from schemas.errors import SettingsError
from streams.gateway.app import MAX_HEAD, Gateway, Limits, create
from streams.gateway.delivery import Delivery
from streams.gateway.intake import GatewayIntake
from streams.gateway.keys import KeyFile
from streams.gateway.metrics import Metrics
from streams.gateway.receipts import Receipts
from streams.settings import Settings

log = structlog.stdlib.get_logger(__name__)

HOST: Final = "127.0.0.1"
PORT: Final = 8790
_KEEP_ALIVE_SECONDS: Final = 15
_CONNECTIONS: Final = 2_000
_BACKLOG: Final = 512


@dataclass(frozen=True)
class Serving:
    """How to serve: address, TLS, patience with Kafka in seconds, and how long receipts are remembered."""

    host: str = HOST
    port: int = PORT
    certificate: Path | None = None
    private_key: Path | None = None
    patience: float = 20.0
    window: float = 86_400.0
    receipts: int = 1_000_000
    limits: Limits = field(default_factory=Limits)


def key_file(chosen: Settings) -> KeyFile:
    """Return the keys of this installation."""
    return KeyFile(chosen.state_dir / "gateway" / "keys.json")


class _Server(uvicorn.Server):
    """Tells bodies that are still being read about a stop; requests behind that are answered first."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway) -> None:
        super().__init__(config)
        self._gateway = gateway

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._gateway.stopping.set()
        super().handle_exit(sig, frame)


def serve(chosen: Settings, how: Serving) -> None:
    """Serve until SIGTERM or Ctrl-C; SettingsError if the port is taken or the state cannot be used."""
    metrics, delivery = Metrics(), Delivery(chosen)
    receipts = Receipts(chosen.state_dir / "gateway" / "receipts.sqlite", how.window, how.receipts)
    threads = len(os.sched_getaffinity(0))
    intake = GatewayIntake(chosen, delivery, receipts, metrics, how.patience, threads)
    keys = key_file(chosen)
    gateway = Gateway(keys, intake, delivery, metrics, how.limits)
    keys.all()
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi"):
        logging.getLogger(name).setLevel(logging.WARNING)
    config = uvicorn.Config(
        create(gateway),
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        # Longer than anything a request waits for, so that none is cut; a body that is being read ends by `stopping`.
        timeout_graceful_shutdown=int(how.patience + 10),
        h11_max_incomplete_event_size=MAX_HEAD,  # heads that come in pieces: h11 answers 400
        ssl_certfile=str(how.certificate) if how.certificate else None,
        ssl_keyfile=str(how.private_key) if how.private_key else None,
    )
    with _bound(how) as listening:
        port = listening.getsockname()[1]
        log.info("gateway listens", host=how.host, port=port, keys=len(keys.all()), tls=how.certificate is not None)
        server = _Server(config, gateway)
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, _stopped_already)  # uvicorn raises the signal once more when it has stopped
        server.run(sockets=[listening])
    receipts.close()
    log.info("gateway stopped")


def _stopped_already(*_: object) -> None:
    """Do nothing: the server has heard it."""


def _bound(how: Serving) -> socket.socket:
    family = socket.AF_INET6 if ":" in how.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((how.host, how.port))
        listening.listen(_BACKLOG)  # so that the port may be used as soon as it is told
    except OSError as error:
        listening.close()
        raise SettingsError(f"cannot listen on {how.host}:{how.port}: {error.strerror or error}") from None
    return listening
