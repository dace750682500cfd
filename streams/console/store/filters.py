"""A question to the queue as SQL conditions."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, false, func, literal_column, or_, select, text

from streams.console.access.person import Person
from streams.console.store import words
from streams.console.store.model import Counts, Facet, Sort
from streams.console.store.query import QueueQuery
from streams.console.store.scope import tagged
from streams.console.store.tables import alerts, parties, tags
from streams.console.store.tables import words as alert_words

#: Up to so many alerts that have a tag, or a word, the database begins with these; of more, with the order of the queue, where
#: the first page is soon full.
_FEW = 2_000
#: What stands for null in a facet, by field; of other fields null is no value to filter by.
_NULL = {"verdict": "none", "owner": ""}
_MOST_VALUES = 50

_c = alerts.c
#: Order -> columns, and whether downwards. The number makes each order one of no ties.
ORDERS: dict[Sort, tuple[tuple[ColumnElement[Any], ...], bool]] = {
    "risk": ((_c.risk_score, _c.raised_at, _c.number), True),
    "newest": ((_c.raised_at, _c.number), True),
    "oldest": ((_c.raised_at, _c.number), False),
    "updated": ((_c.updated_at, _c.number), True),
}


def conditions(
    connection: Connection, query: QueueQuery, person: Person, now: datetime, sqlite: bool, ordered: bool = True
) -> list[ColumnElement[bool]]:
    """Return the conditions of a query; ``ordered``: for a page in order, not for all that match."""
    wanted: list[ColumnElement[bool]] = []
    # Values that many alerts have: their indexes are in the order of risk, and of no use for a page in another order.
    coarse = sqlite and ordered and query.sort != "risk"
    for name in ("severity", "status", "office", "lane"):
        values = getattr(query, name)
        if values:
            column = _by_row(name) if coarse and name in ("severity", "status") else _c[name]
            wanted.append(column.in_(values) if len(values) > 1 else column == values[0])
    if query.owner:
        wanted.append(_or_null(_by_row("owner") if coarse else _c.owner, query.owner, ""))
    if query.verdict:
        wanted.append(_or_null(_by_row("verdict") if coarse else _c.verdict, query.verdict, "none"))
    for kind in ("code", "rule", "substance", "country"):
        values = getattr(query, kind)
        if values:
            wanted.append(_tagged(connection, kind, values, ordered))
    if query.party is not None:
        key = query.party if person.sees_names else _unveiled(connection, query.party)
        wanted.append(false() if key is None else _tagged(connection, "party", (key,), ordered))
    if query.group_key is not None:
        wanted.append((_c.group_key if person.sees_names else _c.group_alias) == query.group_key)
    if query.older_than is not None:
        wanted.append(_c.raised_at <= now - timedelta(hours=query.older_than))
    if query.newer_than is not None:
        wanted.append(_c.raised_at >= now - timedelta(hours=query.newer_than))
    if query.shown != "all":
        wanted.append(_c.hidden_by.is_(None) if query.shown == "visible" else _c.hidden_by.is_not(None))
    if query.text:
        wanted.append(_worded(connection, query.text, person, sqlite, ordered))
    return wanted


def _by_row(name: str) -> ColumnElement[Any]:
    """Return a column that SQLite looks up row by row: the plus keeps its planner from the column's index."""
    return literal_column(f"+alerts.{_c[name].name}", _c[name].type)


def _or_null(column: ColumnElement[Any], values: Sequence[str], null: str) -> ColumnElement[bool]:
    named = [value for value in values if value != null]
    if not named:
        return column.is_(None)
    among = column.in_(named) if len(named) > 1 else column == named[0]
    return or_(column.is_(None), among) if null in values else among


def _tagged(connection: Connection, kind: str, values: Sequence[str], ordered: bool) -> ColumnElement[bool]:
    has = (tags.c.kind == kind, tags.c.value.in_(values))
    some = select(tags.c.alert).where(*has).limit(_FEW + 1).subquery()
    few = (connection.scalar(select(func.count()).select_from(some)) or 0) <= _FEW
    if few or not ordered:
        return _c.number.in_(select(tags.c.alert).where(*has))
    return tagged(kind, values)


def _unveiled(connection: Connection, pseudonym: str) -> str | None:
    found: str | None = connection.scalar(select(parties.c.key).where(parties.c.pseudonym == pseudonym))
    return found


def _worded(connection: Connection, asked: str, person: Person, sqlite: bool, ordered: bool) -> ColumnElement[bool]:
    runs = words.asked(asked)
    if not runs:
        return false()
    if not sqlite:
        # A run stands in the words that all may search, or in the names.
        each = (
            or_(alert_words.c.words.like(like), alert_words.c.names.like(like))
            if person.sees_names
            else alert_words.c.words.like(like)
            for like in words.likes(runs)
        )
        return _c.number.in_(select(alert_words.c.number).where(and_(*each)))
    hits = _hits(runs, person)
    if ordered:
        few = text("SELECT count(*) FROM (SELECT 1 FROM alert_search WHERE alert_search MATCH :match LIMIT :most)")
        if (connection.scalar(few, {"match": _match(runs, person), "most": _FEW + 1}) or 0) > _FEW:
            # The plus keeps SQLite from beginning with the list: it goes by the order and looks each one up.
            return literal_column("+alerts.number").in_(hits.columns(_c.number))
    return _c.number.in_(hits.columns(_c.number))


def _match(runs: Sequence[Sequence[str]], person: Person) -> str:
    return words.match(runs) if person.sees_names else f"{{words}} : ({words.match(runs)})"


def _hits(runs: Sequence[Sequence[str]], person: Person) -> Any:
    found = text("SELECT rowid FROM alert_search WHERE alert_search MATCH :match")
    return found.bindparams(match=_match(runs, person))


def looked_up(connection: Connection, query: QueueQuery, person: Person) -> Iterable[Iterable[int]]:
    """Yield, for each filter of a query that no column of memory answers, the numbers of the alerts that fit it (SQLite)."""
    asked: list[Any] = []
    if query.rule:
        asked.append(select(tags.c.alert).where(tags.c.kind == "rule", tags.c.value.in_(query.rule)))
    if query.party is not None:
        key = query.party if person.sees_names else _unveiled(connection, query.party)
        asked.append(select(tags.c.alert).where(tags.c.kind == "party", tags.c.value == key))
    if query.group_key is not None:
        column = _c.group_key if person.sees_names else _c.group_alias
        asked.append(select(_c.number).where(column == query.group_key))
    if query.text:
        runs = words.asked(query.text)
        asked.append(_hits(runs, person) if runs else select(_c.number).where(false()))
    return (connection.scalars(one) for one in asked)


def told(found: Mapping[str, Mapping[Any, int]]) -> Counts:
    """Return counts by field as facets, most frequent first."""
    every = sum(found["severity"].values())
    shown = {}
    for field, counter in found.items():
        named = {_NULL.get(field) if value is None else value: count for value, count in counter.items() if count > 0}
        named.pop(None, None)
        ordered = sorted(named.items(), key=lambda one: (-one[1], one[0]))
        shown[field] = [Facet(str(value), count) for value, count in ordered[:_MOST_VALUES]]
    return Counts(every, found["verdict"].get(None, 0), shown)


def after(sort: Sort, cursor: str) -> tuple[ColumnElement[bool], bool]:
    """Return the condition to stand behind a cursor, and whether it goes backwards; ValueError for one of another order."""
    columns, down = ORDERS[sort]
    try:
        told = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        order, back, *values = told
        if order != sort or len(values) != len(columns) or not all(type(v) is int for v in (*values, int(back))):
            raise ValueError
        if any(abs(value) >= 2**63 for value in values):
            raise ValueError
    except (ValueError, TypeError, binascii.Error):
        raise ValueError("cursor: not of this order of the queue") from None
    return beyond(columns, values, down != bool(back)), bool(back)


def beyond(columns: Sequence[ColumnElement[Any]], values: Sequence[int], down: bool) -> ColumnElement[bool]:
    """Return the condition to come after a row: first by the first column alone, so that its index serves."""
    (first, *others), (limit, *rest) = columns, values
    bound = _plain(limit)
    strictly = first < bound if down else first > bound
    if not others:
        return strictly
    at_least = first <= bound if down else first >= bound
    return and_(at_least, or_(strictly, beyond(others, rest, down)))


def _plain(value: int) -> ColumnElement[Any]:
    return literal_column(str(int(value)))  # times stand as microseconds in cursors and in the tables


def cursor(sort: Sort, row: Any, back: bool) -> str:
    """Return the cursor of a row."""
    from streams.console.store.tables import Moment

    kind = Moment()
    values = []
    for column in ORDERS[sort][0]:
        value = row._mapping[column]
        values.append(kind.process_bind_param(value, None) if isinstance(value, datetime) else value)  # type: ignore[arg-type]
    told = json.dumps([sort, int(back), *values], separators=(",", ":"))
    return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")
