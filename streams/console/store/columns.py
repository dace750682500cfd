"""What the queue filters and counts by, of every alert, as columns in memory: counts and groups of 100,000 take milliseconds.

SQLite alone has these: there one process asks, and triggers write down which alerts changed (``alert_changes``), whoever changed
them. A question first reads what changed since the last one, in the transaction in which it also searches, so it sees one state.
An alert takes 49 bytes; distinct values are kept once. PostgreSQL counts in SQL (`streams.console.store.counting`).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from streams.console.access.person import Person
from streams.console.store import filters
from streams.console.store.model import Counts
from streams.console.store.query import QueueQuery
from streams.console.store.tables import Moment

#: Columns with one value an alert, and those with a list; 0 stands for null.
_SINGLE = ("severity", "status", "verdict", "owner", "office", "lane")
_LISTED = ("codes", "substances")
_READ = ("number", *_SINGLE, *_LISTED, "risk_score", "raised_at", "hidden_by", "group_key")
_AT_ONCE = 10_000
#: So many changes are kept; who read none for longer reads all alerts again.
KEPT_CHANGES = 100_000

Chosen = NDArray[np.intp]


class _Names:
    """Values by small numbers."""

    def __init__(self) -> None:
        self.values: list[Any] = [None]
        self._codes: dict[Any, int] = {None: 0}

    def codes(self, values: Iterable[Any]) -> list[int]:
        """Return the numbers of values, new ones for new values."""
        known = self._codes
        found = []
        for value in values:
            code = known.get(value)
            if code is None:
                code = known[value] = len(self.values)
                self.values.append(value)
            found.append(code)
        return found

    def where(self, fits: Callable[[Any], bool]) -> NDArray[np.bool_]:
        """Return by number which values fit."""
        return np.fromiter((fits(value) for value in self.values), bool, len(self.values))


@dataclass(frozen=True, slots=True)
class Grouped:
    """A group: the number of its strongest alert, how many match, how many of them are undecided, when the newest was raised."""

    strongest: int
    count: int
    undecided: int
    newest: datetime


class Columns:
    """The columns, each indexed by the number of the alert."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: int | None = None
        self._empty(0)

    def refresh(self, connection: Connection) -> None:
        """Read what changed since the last question."""
        with self._lock:
            self._refresh(connection)

    def counts(self, connection: Connection, query: QueueQuery, person: Person, now: datetime) -> Counts:
        """Return how many alerts match, and the values of each field among them."""
        with self._lock:
            self._refresh(connection)
            chosen = self._chosen(connection, query, person, now)
            found: dict[str, dict[Any, int]] = {name: self._tally(name, chosen) for name in _SINGLE}
            found["code"] = _each(self._tally("codes", chosen), _list)
            found["substance"] = _each(self._tally("substances", chosen), _list)
            found["country"] = _each(found["lane"], _countries)
        return filters.told(found)

    def few(
        self, connection: Connection, query: QueueQuery, person: Person, now: datetime, most: int
    ) -> list[int] | None:
        """Return the numbers of the alerts that match, or None for more than ``most``."""
        with self._lock:
            self._refresh(connection)
            chosen = self._chosen(connection, query, person, now)
        return chosen.tolist() if len(chosen) <= most else None

    def groups(
        self, connection: Connection, query: QueueQuery, person: Person, now: datetime, limit: int
    ) -> list[Grouped]:
        """Return the groups of what matches: that with the strongest alert first, of such the one with the newest."""
        with self._lock:
            self._refresh(connection)
            chosen = self._chosen(connection, query, person, now)
            chosen = chosen[self._group[chosen] != 0]
            risk, raised, undecided = self._risk[chosen], self._raised[chosen], self._single["verdict"][chosen] == 0
            keys, group = np.unique(self._group[chosen], return_inverse=True)
        strongest, newest = np.full(len(keys), -1, risk.dtype), np.zeros(len(keys), raised.dtype)
        np.maximum.at(strongest, group, risk)
        np.maximum.at(newest, group, raised)
        first = np.lexsort((keys, -newest, -strongest))[:limit]
        count = np.bincount(group, minlength=len(keys))
        open_ = np.bincount(group, weights=undecided, minlength=len(keys))
        # The strongest alert of each, of equals the newest: only the rows of the groups that are shown are sorted.
        shown = np.flatnonzero(np.isin(group, first))
        shown = shown[np.lexsort((chosen[shown], raised[shown], risk[shown]))]
        best = dict(zip(group[shown].tolist(), chosen[shown].tolist(), strict=True))  # the last of each key stays
        moment = Moment()
        return [
            Grouped(best[g], int(count[g]), int(open_[g]), moment.process_result_value(int(newest[g]), None))  # type: ignore[arg-type]
            for g in first.tolist()
        ]

    def _tally(self, name: str, chosen: Chosen) -> dict[Any, int]:
        counted = np.bincount(self._single[name][chosen])
        values = self._names[name].values
        return {values[code]: int(counted[code]) for code in np.flatnonzero(counted).tolist()}

    def _chosen(self, connection: Connection, query: QueueQuery, person: Person, now: datetime) -> Chosen:
        """Return the numbers of the alerts that match a query, rising."""
        fits = self._here.copy()
        for name in ("severity", "status", "office", "lane"):
            if getattr(query, name):
                self._keep(fits, name, set(getattr(query, name)).__contains__)
        if query.owner:
            self._keep(fits, "owner", lambda owner: (owner or "") in query.owner)
        if query.verdict:
            self._keep(fits, "verdict", lambda verdict: (verdict or "none") in query.verdict)
        for name, wanted in (("codes", query.code), ("substances", query.substance)):
            if wanted:
                self._keep(fits, name, partial(_shares, frozenset(wanted)))
        if query.country:
            self._keep(fits, "lane", lambda lane: not set(query.country).isdisjoint(_countries(lane)))
        if query.older_than is not None:
            fits &= self._raised <= _micros(now - timedelta(hours=query.older_than))
        if query.newer_than is not None:
            fits &= self._raised >= _micros(now - timedelta(hours=query.newer_than))
        if query.shown != "all":
            fits &= self._hidden if query.shown == "suppressed" else ~self._hidden
        for listed in filters.looked_up(connection, query, person):
            among = np.zeros(len(fits), bool)
            numbers = np.fromiter(listed, np.int64)
            among[numbers[numbers < len(fits)]] = True
            fits &= among
        return np.flatnonzero(fits)

    def _keep(self, fits: NDArray[np.bool_], name: str, wanted: Callable[[Any], bool]) -> None:
        fits &= self._names[name].where(wanted)[self._single[name]]

    def _refresh(self, connection: Connection) -> None:
        first, last = connection.exec_driver_sql(
            "SELECT (SELECT min(seq) FROM alert_changes), (SELECT max(seq) FROM alert_changes)"
        ).one()
        if self._seen is None or (first is not None and first > self._seen + 1):
            self._empty(connection.exec_driver_sql("SELECT coalesce(max(number), 0) FROM alerts").scalar_one())
            self._read(connection, "")
        elif last is not None and last > self._seen:
            since = f"(SELECT number FROM alert_changes WHERE seq > {self._seen:d})"
            changed = [int(row[0]) for row in connection.exec_driver_sql(f"SELECT DISTINCT number FROM {since}")]
            self._grow(max(changed))
            self._here[changed] = False  # what is gone stays so
            self._read(connection, f"WHERE number IN {since}")
        self._seen = max(self._seen or 0, last or 0)

    def _read(self, connection: Connection, condition: str) -> None:
        asked = connection.exec_driver_sql(f"SELECT {', '.join(_READ)} FROM alerts {condition}")
        for rows in asked.partitions(_AT_ONCE):
            self._put(dict(zip(_READ, zip(*rows, strict=True), strict=True)))

    def _put(self, told: dict[str, Sequence[Any]]) -> None:
        numbers = np.array(told["number"], np.int64)
        self._grow(int(numbers.max()))
        for name in (*_SINGLE, *_LISTED):
            self._single[name][numbers] = self._names[name].codes(told[name])
        self._risk[numbers] = told["risk_score"]
        self._raised[numbers] = told["raised_at"]
        self._hidden[numbers] = [by is not None for by in told["hidden_by"]]
        # Of 64 bits and another in each process; two keys of one hash are less likely than a broken disk.
        self._group[numbers] = [0 if key is None else hash(key) or 1 for key in told["group_key"]]
        self._here[numbers] = True

    def _empty(self, largest: int) -> None:
        self._names = {name: _Names() for name in (*_SINGLE, *_LISTED)}
        size = largest + 1
        self._single = {name: np.zeros(size, np.int32) for name in (*_SINGLE, *_LISTED)}
        self._risk, self._raised = np.zeros(size, np.int16), np.zeros(size, np.int64)
        self._hidden, self._here = np.zeros(size, bool), np.zeros(size, bool)
        self._group = np.zeros(size, np.int64)

    def _grow(self, largest: int) -> None:
        """Make room for numbers up to the largest, and for half as many again."""
        size = len(self._here)
        if largest < size:
            return
        more = max(largest + 1, size + size // 2) - size

        def grown(column: NDArray[Any]) -> NDArray[Any]:
            return np.concatenate([column, np.zeros(more, column.dtype)])

        self._single = {name: grown(column) for name, column in self._single.items()}
        self._risk, self._raised, self._group = grown(self._risk), grown(self._raised), grown(self._group)
        self._hidden, self._here = grown(self._hidden), grown(self._here)


def _each(counted: dict[Any, int], values: Callable[[Any], Iterable[str]]) -> dict[Any, int]:
    """Return how often each value of lists occurs, from how often each list does."""
    found: dict[Any, int] = {}
    for kept, count in counted.items():
        for value in values(kept):
            found[value] = found.get(value, 0) + count
    return found


def _list(kept: str | None) -> list[str]:
    return json.loads(kept) if kept else []


def _shares(wanted: frozenset[str], kept: str | None) -> bool:
    return not wanted.isdisjoint(_list(kept))


def _countries(lane: str | None) -> set[str]:
    return {country for country in (lane or "").split(">") if country}


def _micros(at: datetime) -> int:
    found = Moment().process_bind_param(at, None)  # type: ignore[arg-type]
    assert found is not None
    return found
