"""Structured logs: a line of JSON for machines, colours for a person at a terminal.

No personal data and no payloads: an event names records by their origin (``topic/partition@offset``), and errors by kind and
place (:func:`streams.worker.guard.named`), never by a message that may quote a declaration. For the same reason the libraries
below (Faust, aiokafka) stay at INFO even when ``debug`` is asked for: at DEBUG they show keys and values.
"""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog

Level = Literal["debug", "info", "warning", "error"]
#: Local variables are left out of tracebacks: they hold declarations.
_TRACEBACKS = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
_LIBRARIES = ("faust", "mode", "aiokafka", "kafka", "asyncio", "aiohttp")


def configure(level: Level = "info", person: bool | None = None) -> None:
    """Send all logs of this process to standard error, one event a line.

    Parameters
    ----------
    level : of our own events; the libraries' start at WARNING (at INFO with ``debug``).
    person : whether somebody reads along; by default whether standard error is a terminal.
    """
    person = sys.stderr.isatty() if person is None else person
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if person
        else [_TRACEBACKS, structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.PositionalArgumentsFormatter()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _LIBRARIES:
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel("INFO" if level == "debug" else max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
