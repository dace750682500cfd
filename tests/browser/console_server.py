"""The real console on a loopback port, over a real SQLite file, without Kafka: what browsers of the tests talk to."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import console_filled as filled
import uvicorn

from schemas.alert import Alert
from streams.console.access import passwords
from streams.console.app import Console, create_app
from streams.console.events import News
from streams.console.settings import load_console
from streams.console.store import Store
from streams.console.store.taking import Batch
from streams.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "deploy/console/axe.min.js"
#: Logging in hashes with argon2 at its full cost; the tests log in rarely.
PASSWORDS = {name: f"{name} touches the stone" for name in ("ada", "ben", "rita", "vera")}


class Served(AbstractContextManager["Served"]):
    """A running console; ``told`` are alerts that it holds, ``later`` some that tests let arrive."""

    def __init__(self, folder: Path, count: int, days: int, port: int = 0) -> None:
        database = folder / "console.sqlite"
        alerts = filled.alerts(folder, count, days, datetime.now(UTC))
        standing = [alert for alert in alerts if alert.status != "withdrawn"]
        self.later = sorted(standing, key=lambda alert: alert.raised_at)[-4:]
        held = {alert.alert_id for alert in self.later}
        self.told = [alert for alert in alerts if alert.alert_id not in held]
        if not database.exists():
            clock = filled.Clock()
            store = Store(f"sqlite:///{database}", clock)
            filled.fill(store, clock, self.told, lambda name: passwords.hashed(PASSWORDS[name]))
            store.close()
        own = load_console(database=f"sqlite:///{database}", requests_per_minute=100_000)
        self.console = Console(Settings(state_dir=folder), own, kafka=False)
        self._socket = socket.create_server(("127.0.0.1", port))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            create_app(self.console), log_level="warning", access_log=False, timeout_graceful_shutdown=2, lifespan="on"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)

    def __enter__(self) -> Served:
        self._thread.start()
        ends = time.monotonic() + 60
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > ends:
                raise RuntimeError("the console did not start")
            time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.console.events.close()
        self._server.should_exit = True
        self._thread.join(30)
        self._socket.close()

    def arrive(self, alert: Alert) -> None:
        """Let an alert come in, and tell the browsers, as the reader of the topic does."""
        self.console.store.taking.take(Batch([alert]), datetime.now(UTC))
        what = {"new": 1, "changed": 0, "withdrawn": 0, "ids": [alert.alert_id], "count": 1, "top": []}
        self.console.events.publish(News("alerts", what))
