"""The analysts' console beside a demo: a process of its own on the demo's Kafka, and a link that logs its analyst in."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from schemas.errors import AssayError
from streams.demo.cluster import Cluster, Say

#: Libraries, migrations and the first answer, beside workers that start as well.
_READY_SECONDS = 90.0
_STOP_SECONDS = 15.0
_HOST = "127.0.0.1"
_PORT = 8791
ANALYST = "analyst"
_LINK_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where the console is, and the link that logs the demo's analyst in once."""

    address: str
    link: str


def open_console(made: Cluster, say: Say) -> Entrance | str:
    """Start the console on a cluster whose end will stop it; where that cannot be, return why in a sentence.

    A demo without console is still a demo, so nothing here raises.
    """
    say("starting the console")
    try:
        token = _invited(made)
    except (AssayError, ImportError) as error:
        return str(error)
    port, log = _port(), made.folder / "console.log"
    environment = {k: v for k, v in made.environment().items() if not k.startswith("ASSAY_CONSOLE_")}
    environment["ASSAY_CONSOLE_WORKERS"] = ",".join(f"http://{_HOST}:{worker.port}" for worker in made.workers)
    with log.open("wb") as sink:
        # A session of its own, as the workers have: Ctrl-C is for the demo, which stops them in order.
        process = subprocess.Popen(
            [sys.executable, "-c", "from streams.cli import main; main()", "console", "--port", str(port)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    made.closing.callback(_stop, process)
    address = f"http://{_HOST}:{port}"
    limit = time.monotonic() + _READY_SECONDS
    while not _answers(address):
        if process.poll() is not None or time.monotonic() > limit:
            told = log.read_text(errors="replace").strip().splitlines()
            return told[-1] if told else f"it did not answer within {_READY_SECONDS:.0f} s"
        time.sleep(0.1)
    return Entrance(address, f"{address}/setup/{token}")


def _invited(made: Cluster) -> str:
    """Make the demo's analyst, who has no password, and return the token of a link."""
    from streams.console.access.person import Role
    from streams.console.settings import ConsoleSettings
    from streams.console.store import Store
    from streams.console.store.people import OPERATOR

    store = Store(ConsoleSettings(database=None).database_url(made.chosen))
    try:
        # A supervisor: so that a demo shows everything but the list of users.
        store.people.add(ANALYST, Role.supervisor, OPERATOR, display="Demo analyst")
        return store.links.make(ANALYST, _LINK_MINUTES)
    finally:
        store.close()


def _port() -> int:
    """Return the console's usual port, or a free one where that is taken."""
    for port in (_PORT, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((_HOST, port))
            found: int = probe.getsockname()[1]
            return found
    return _PORT


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
