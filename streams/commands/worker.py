"""``assay worker``: run the Faust worker in the foreground until SIGTERM or Ctrl-C."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer


class Stage(StrEnum):
    """A stage of the worker."""

    intake = "intake"
    screen = "screen"
    profile = "profile"
    correlate = "correlate"
    feedback = "feedback"


class LogLevel(StrEnum):
    """From which level events are logged."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"


def register(app: typer.Typer) -> None:
    """Add the command ``worker``."""

    @app.command(epilog="Example: assay worker --stage screen --port 0")
    def worker(
        stage: list[Stage] = typer.Option([], "--stage", help="Run this stage only; may be repeated. [default: all]"),
        port: int = typer.Option(
            8780, "--port", min=0, max=65535, help="Health and metrics on loopback; 0: a free one."
        ),
        rules: list[Path] = typer.Option(
            [], "--rules", exists=True, help="Rule pack, or folder of them; may be repeated. [default: Assay's own]"
        ),
        patience: float = typer.Option(
            30.0, "--stall-seconds", min=1.0, help="Without progress for so long, call it stalled."
        ),
        log_level: LogLevel = typer.Option(LogLevel.info, "--log-level", help="Log from this level."),
    ) -> None:
        """Judge declarations from Kafka and write alerts, until SIGTERM or Ctrl-C.

        Logs are JSON lines on standard error (coloured at a terminal); /health and /metrics are on loopback.
        """
        import asyncio
        import os
        import signal
        import threading

        # A worker is one process for one core; polars' own threads would only quarrel with other workers for the rest.
        os.environ.setdefault("POLARS_MAX_THREADS", "1")

        from streams.app import STOP_SECONDS, Worker
        from streams.settings import settings
        from streams.worker import logs

        logs.configure(log_level.value)

        async def main() -> None:
            stop = asyncio.Event()

            def leave() -> None:
                if stop.is_set():
                    os._exit(1)  # asked a second time: now
                stop.set()
                last = threading.Timer(1.5 * STOP_SECONDS, os._exit, (1,))  # whatever hangs, the worker ends
                last.daemon = True
                last.start()

            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, leave)
            await Worker(settings(), [one.value for one in stage], rules, patience).run(stop, port)

        asyncio.run(main())
