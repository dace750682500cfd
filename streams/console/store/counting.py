"""How many alerts match a query, by the values of each field (PostgreSQL): counted beside the request, and kept a while."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLateError
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from streams.console.store import filters
from streams.console.store.model import Counts
from streams.console.store.tables import alerts, tags

_c = alerts.c
_COLUMNS = ("severity", "status", "verdict", "owner", "office", "lane")
_KINDS = ("code", "substance", "country")

#: Seconds for which counts are kept, and as a multiple of what they cost: counting takes a tenth of a core at most.
_KEPT_SECONDS = 5.0
_KEPT_COSTS = 10.0
_MOST_KEPT = 200


class Counting:
    """Keeps counts; one thread counts anew what is out of date.

    ``patience`` is how long, in seconds, a request waits for it before it takes what there is.
    """

    def __init__(self) -> None:
        self.patience = 0.25
        self._kept: dict[Hashable, tuple[float, Counts]] = {}
        self._running: dict[Hashable, Future[Counts]] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, "console counts")

    def of(self, key: Hashable, count: Callable[[bool], Counts]) -> Counts:
        """Return the counts of a query; ``count(True)`` counts all, ``count(False)`` the totals alone."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and time.monotonic() < kept[0]:
                return kept[1]
            running = self._running.get(key)
            if running is None:
                running = self._running[key] = self._pool.submit(self._counted, key, count)
        try:
            return running.result(self.patience)
        except TooLateError:
            return kept[1] if kept is not None else count(False)

    def forget(self) -> None:
        """Count anew at the next question."""
        with self._lock:
            self._kept = {key: (0.0, counts) for key, (_, counts) in self._kept.items()}
            # What is being counted began before the change: who asks next starts another count.
            self._running = {}

    def close(self) -> None:
        """Count no more."""
        self._pool.shutdown(cancel_futures=True)

    def _counted(self, key: Hashable, count: Callable[[bool], Counts]) -> Counts:
        began = time.monotonic()
        try:
            found = count(True)
            now = time.monotonic()
            with self._lock:
                if len(self._kept) >= _MOST_KEPT:
                    self._kept.clear()
                self._kept[key] = now + max(_KEPT_SECONDS, _KEPT_COSTS * (now - began)), found
            return found
        finally:
            with self._lock:
                self._running.pop(key, None)


def total(connection: Connection, wanted: Sequence[ColumnElement[bool]]) -> Counts:
    """Count what matches, and what of it is undecided; no values."""
    undecided = func.sum(case((_c.verdict.is_(None), 1), else_=0))
    count, open_ = connection.execute(select(func.count(), undecided).where(*wanted)).one()
    return Counts(count, int(open_ or 0), {field: [] for field in (*_COLUMNS, *_KINDS)})


def facets(connection: Connection, wanted: Sequence[ColumnElement[bool]]) -> Counts:
    """Count what matches by every field."""
    return filters.told(_counters(connection, wanted))


def unfiltered(connection: Connection) -> Counts:
    """Count all that no suppression hides by every field.

    All less the hidden ones: of all, the indexes alone tell; of the few hidden, their rows do.
    """
    found = _counters(connection, [])
    for field, counter in _counters(connection, [_c.hidden_by.is_not(None)]).items():
        found[field].subtract(counter)
    return filters.told(found)


def _counters(connection: Connection, wanted: Sequence[ColumnElement[bool]]) -> dict[str, Counter[Any]]:
    found: dict[str, Counter[Any]] = {}
    for name in _COLUMNS:
        rows = connection.execute(select(_c[name], func.count()).where(*wanted).group_by(_c[name]))
        found[name] = Counter(dict(rows.all()))
    for kind in _KINDS:
        asked = select(tags.c.value, func.count()).where(tags.c.kind == kind).group_by(tags.c.value)
        if wanted:
            asked = asked.where(tags.c.alert.in_(select(_c.number).where(*wanted)))
        found[kind] = Counter(dict(connection.execute(asked).all()))
    return found
