"""News for pages: what changed, to every browser that listens on ``/events``."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["alerts", "decision", "work", "suppressions", "health", "again"]


@dataclass(frozen=True, slots=True)
class News:
    """Something that changed. On the wire: ``event: <kind>`` and ``data:`` JSON of ``what`` (server-sent events).

    ``alerts`` (at most every half second): ``{"new": n, "changed": n, "withdrawn": n, "ids": [up to 100 alert ids], "top":
    [{"alert_id", "severity", "title"} of up to 5 new ones of high or critical]}``; who sees pseudonyms gets no titles.
    ``decision``: ``{"ids": [...], "verdict": ..., "by": name, "count": n}``;
    ``work``: ``{"ids": [...], "owner": name or null, "by": name, "count": n}``; ``suppressions``: ``{"by": name}``;
    ``health``: ``{"kafka": bool, "outbox": n}`` when Kafka comes or goes.
    ``again``: ``{}``, this browser was too slow and missed something: ask anew.
    Ids are cut after 100; ``count`` tells how many there are.
    """

    kind: Kind
    what: dict[str, Any] = field(default_factory=dict)


Publish = Callable[[News], None]
_WAITING = 200


class Listener:
    """One browser that listens. News that do not fit are dropped; then ``again`` says so."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: asyncio.Queue[News | None] = asyncio.Queue(_WAITING)

    async def next(self, seconds: float) -> News | None:
        """Return the next news; TimeoutError if none comes, None at the end."""
        return await asyncio.wait_for(self._queue.get(), seconds)

    def hand(self, news: News | None) -> None:
        """Hand news over, from any thread."""
        try:
            self._loop.call_soon_threadsafe(self._put, news)
        except RuntimeError:
            return  # the loop has ended, and the browser with it

    def _put(self, news: News | None) -> None:
        if self._queue.full():
            while not self._queue.empty():
                self._queue.get_nowait()
            self._queue.put_nowait(News("again"))
        self._queue.put_nowait(news)


class Events:
    """Brings news from any thread to all who listen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()
        self._closed = False

    def publish(self, news: News) -> None:
        """Tell everybody; never waits."""
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener.hand(news)

    def listen(self) -> Listener:
        """Begin to listen, in a running loop."""
        made = Listener(asyncio.get_running_loop())
        with self._lock:
            if self._closed:
                made.hand(None)
            self._listeners.add(made)
        return made

    def leave(self, listener: Listener) -> None:
        """Listen no more."""
        with self._lock:
            self._listeners.discard(listener)

    def close(self) -> None:
        """End every stream, so that a server can stop."""
        with self._lock:
            self._closed = True
            listeners = list(self._listeners)
        for listener in listeners:
            listener.hand(None)

    @property
    def count(self) -> int:
        """How many listen."""
        return len(self._listeners)
