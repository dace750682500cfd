"""Questions to the queue: a page, groups, counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from streams.console.access.person import Person
from streams.console.store import counting, filters
from streams.console.store.columns import Columns
from streams.console.store.database import Database
from streams.console.store.model import AlertLine, Counts, Group, QueuePage
from streams.console.store.query import LARGEST_PAGE, QueueQuery
from streams.console.store.reading import Pseudonyms, line
from streams.console.store.reads import Reads
from streams.console.store.tables import alerts

_c = alerts.c
#: So many alerts are looked up by their numbers.
_FEW = 500


class Queue:
    """Questions to the queue."""

    def __init__(self, database: Database, pseudonyms: Pseudonyms, reads: Reads, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._pseudonyms = pseudonyms
        self._reads = reads
        self._clock = clock
        self.counting = counting.Counting()
        self._columns = Columns() if database.sqlite else None

    def warm(self) -> None:
        """Read the columns, so that the first who asks need not wait for them."""
        if self._columns is not None:
            with self._database.reading() as connection:
                self._columns.refresh(connection)

    def page(self, query: QueueQuery, person: Person) -> QueuePage:
        """Return one page of alerts in the query's order. ValueError: the cursor is not of this order."""
        columns, down = filters.ORDERS[query.sort]
        limit = max(1, min(query.limit, LARGEST_PAGE))
        back = False
        with self._database.reading() as connection:
            wanted = self._conditions(connection, query, person)
            if self._columns is not None and (query.code or query.rule or query.substance or query.country):
                # Where little matches, going by the order would look at nearly all alerts to find it.
                few = self._columns.few(connection, query, person, self._clock(), _FEW)
                wanted = wanted if few is None else [_c.number.in_(few)]
            if query.cursor:
                behind, back = filters.after(query.sort, query.cursor)
                wanted.append(behind)
            order = [column.desc() if down != back else column.asc() for column in columns]
            rows = list(connection.execute(select(alerts).where(*wanted).order_by(*order).limit(limit + 1)))
        more = len(rows) > limit
        rows = rows[:limit]
        if back:
            rows.reverse()
        following = more if not back else bool(query.cursor)
        before = more if back else bool(query.cursor)
        lines = self._lines(rows, person)
        return QueuePage(
            lines,
            filters.cursor(query.sort, rows[-1], False) if rows and following else None,
            filters.cursor(query.sort, rows[0], True) if rows and before else None,
        )

    def groups(self, query: QueueQuery, person: Person) -> tuple[Group, ...]:
        """Return the alerts of a query by ``group_key``, strongest group first, up to ``query.limit`` groups.

        An alert without a key is in no group.
        """
        limit = max(1, min(query.limit, LARGEST_PAGE))
        if self._columns is not None:
            return self._grouped(self._columns, query, person, limit)
        with self._database.reading() as connection:
            wanted = self._conditions(connection, query, person, ordered=False)
            strength = func.max(_c.risk_score).label("strength")
            newest = func.max(_c.raised_at, type_=_c.raised_at.type).label("newest")
            found = list(
                connection.execute(
                    select(
                        _c.group_key,
                        func.count().label("count"),
                        func.sum(case((_c.verdict.is_(None), 1), else_=0)).label("undecided"),
                        strength,
                        newest,
                    )
                    .where(*wanted, _c.group_key.is_not(None))
                    .group_by(_c.group_key)
                    .order_by(strength.desc(), newest.desc(), _c.group_key)
                    .limit(limit)
                )
            )
            strongest: dict[str, Any] = {}
            if found:
                place = (
                    func.row_number()
                    .over(
                        partition_by=_c.group_key,
                        order_by=(_c.risk_score.desc(), _c.raised_at.desc(), _c.number.desc()),
                    )
                    .label("place")
                )
                ranked = (
                    select(_c.number, place)
                    .where(*wanted, _c.group_key.in_([row.group_key for row in found]))
                    .subquery()
                )
                best = select(alerts).join(ranked, and_(ranked.c.number == _c.number, ranked.c.place == 1))
                strongest = {row.group_key: row for row in connection.execute(best)}
        found = [row for row in found if row.group_key in strongest]
        lines = self._lines([strongest[row.group_key] for row in found], person)
        return tuple(
            Group(str(its.group_key), row._mapping["count"], int(row.undecided), its, row.newest)
            for row, its in zip(found, lines, strict=True)
        )

    def _grouped(self, columns: Columns, query: QueueQuery, person: Person, limit: int) -> tuple[Group, ...]:
        with self._database.reading() as connection:
            found = columns.groups(connection, query, person, self._clock(), limit)
            wanted = select(alerts).where(_c.number.in_([one.strongest for one in found]))
            rows = {row.number: row for row in connection.execute(wanted)}
        found = [one for one in found if one.strongest in rows]
        lines = self._lines([rows[one.strongest] for one in found], person)
        return tuple(
            Group(str(its.group_key), one.count, one.undecided, its, one.newest)
            for one, its in zip(found, lines, strict=True)
        )

    def counts(self, query: QueueQuery, person: Person, facets: bool = True) -> Counts:
        """Return how many alerts match, and the values of each field among them.

        In PostgreSQL some seconds old at times; and what takes longer than `Counting` is willing to wait comes without
        values the first time, and whole soon after.
        """
        if self._columns is not None:
            with self._database.reading() as connection:
                return self._columns.counts(connection, query, person, self._clock())

        def count(fully: bool) -> Counts:
            with self._database.reading() as connection:
                wanted = self._conditions(connection, query, person, ordered=False)
                if not fully:
                    return counting.total(connection, wanted)
                plain = not set(query.parameters()) - {"sort", "limit"}
                return counting.unfiltered(connection) if plain else counting.facets(connection, wanted)

        if not facets:
            return count(False)
        key = (tuple(sorted((k, str(v)) for k, v in query.parameters().items())), person.sees_names)
        return self.counting.of(key, count)

    def forget_counts(self) -> None:
        """Count anew: somebody here changed something, and looks at the numbers next."""
        self.counting.forget()

    def ids(self, query: QueueQuery, person: Person, limit: int = 10_000) -> tuple[str, ...]:
        """Return the ids of all alerts that match, in order: for bulk acts on a whole query."""
        columns, down = filters.ORDERS[query.sort]
        order = [column.desc() if down else column.asc() for column in columns]
        with self._database.reading() as connection:
            wanted = self._conditions(connection, query, person)
            return tuple(connection.scalars(select(_c.alert_id).where(*wanted).order_by(*order).limit(limit)))

    def _conditions(
        self, connection: Connection, query: QueueQuery, person: Person, ordered: bool = True
    ) -> list[ColumnElement[bool]]:
        return filters.conditions(connection, query, person, self._clock(), self._database.sqlite, ordered)

    def _lines(self, rows: list[Any], person: Person) -> tuple[AlertLine, ...]:
        self._reads.note("queue.read", person, [row.alert_id for row in rows if row.personal])
        return tuple(line(row, person, self._pseudonyms) for row in rows)
