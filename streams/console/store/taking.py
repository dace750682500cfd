"""What comes from Kafka, into the tables: alerts, their end, dispositions; offsets in the same transaction."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pydantic_core
from sqlalchemy import Connection, bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from schemas.alert import Alert
from schemas.disposition import Disposition
from streams.console.store import scope
from streams.console.store.columns import KEPT_CHANGES
from streams.console.store.database import Database
from streams.console.store.reading import Prepared, Pseudonyms, prepare
from streams.console.store.tables import alerts, decisions, offsets, parties, revisions, tags, words

_NAMESPACE = uuid.UUID("0b0d7f3e-5c57-5d0d-9b3c-1f6a3f6f2c11")  # arbitrary and fixed
_AT_ONCE = 500  # bound parameters of one statement are limited


@dataclass(frozen=True, slots=True)
class Gone:
    """A tombstone: the alert of a declaration is to be forgotten."""

    declaration_id: str


@dataclass
class Batch:
    """Records in order: alerts, tombstones, dispositions; how far that reads each partition; records that were none."""

    records: list[Alert | Gone | Disposition] = field(default_factory=list)
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    bad: dict[tuple[str, int], int] = field(default_factory=dict)


@dataclass
class Taken:
    """What a batch changed: ids of alerts by kind, and the decisions of others."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    top: list[dict[str, Any]] = field(default_factory=list)
    decided: list[dict[str, Any]] = field(default_factory=list)


def decision_id(decision: Disposition) -> str:
    """Return the id of a decision: the same for the same content, however often and from wherever it comes."""
    said = pydantic_core.to_json(decision.model_dump(mode="json", by_alias=True))
    return str(uuid.uuid5(_NAMESPACE, said.decode()))


class Taking:
    """Writes what Kafka tells."""

    def __init__(self, database: Database, pseudonyms: Pseudonyms) -> None:
        self._database = database
        self._pseudonyms = pseudonyms
        self._known: set[str] = set()

    def take(self, batch: Batch, now: datetime) -> Taken:
        """Take a batch in, in one transaction; what was taken before changes nothing."""
        newest: dict[str, list[Alert]] = defaultdict(list)
        gone: set[str] = set()
        said: list[Disposition] = []
        for record in batch.records:
            if isinstance(record, Alert):
                newest[record.declaration_id].append(record)
            elif isinstance(record, Gone):
                newest.pop(record.declaration_id, None)
                gone.add(record.declaration_id)
            else:
                said.append(record)
        prepared = [prepare(alert, self._pseudonyms) for told in newest.values() for alert in told]
        taken = Taken()
        with self._database.writing() as connection:
            if gone:
                self._forget(connection, sorted(gone), taken)
            if prepared:
                self._alerts(connection, prepared, taken, now)
            if said:
                self._decisions(connection, said, taken)
            self._offsets(connection, batch)
            if self._database.sqlite:
                oldest = f"(SELECT max(seq) FROM alert_changes) - {KEPT_CHANGES}"
                connection.exec_driver_sql(f"DELETE FROM alert_changes WHERE seq < {oldest}")
        return taken

    def _forget(self, connection: Connection, declarations: Sequence[str], taken: Taken) -> None:
        for some in _pieces(declarations):
            found = connection.execute(
                select(alerts.c.number, alerts.c.alert_id).where(alerts.c.declaration_id.in_(some))
            ).fetchall()
            numbers = [row.number for row in found]
            self._unindex(connection, numbers)
            for table, column in ((tags, tags.c.alert), (revisions, revisions.c.alert), (words, words.c.number)):
                connection.execute(delete(table).where(column.in_(numbers)))
            connection.execute(delete(alerts).where(alerts.c.number.in_(numbers)))
            taken.gone += [row.alert_id for row in found]

    def _alerts(self, connection: Connection, prepared: Sequence[Prepared], taken: Taken, now: datetime) -> None:
        known: dict[str, Any] = {}
        for some in _pieces(sorted({one.row["alert_id"] for one in prepared})):
            rows = connection.execute(
                select(alerts.c.alert_id, alerts.c.number, alerts.c.revision).where(alerts.c.alert_id.in_(some))
            )
            known |= {row.alert_id: row for row in rows}
        # Of each alert the newest revision becomes the row; every revision is kept.
        newest: dict[str, Prepared] = {}
        for one in sorted(prepared, key=lambda one: int(one.row["revision"])):
            before = known.get(one.row["alert_id"])
            if before is None or one.row["revision"] > before.revision:
                newest[one.row["alert_id"]] = one
        if not newest:
            return
        new = [one for key, one in newest.items() if key not in known]
        changed = [one for key, one in newest.items() if key in known]
        number_of = {key: row.number for key, row in known.items()}
        if new:
            made = connection.execute(
                insert(alerts).returning(alerts.c.alert_id, alerts.c.number), [one.row for one in new]
            )
            number_of |= {row.alert_id: row.number for row in made}
        if changed:
            numbers = [number_of[one.row["alert_id"]] for one in changed]
            self._unindex(connection, numbers)
            for some in _pieces(numbers):
                connection.execute(delete(tags).where(tags.c.alert.in_(some)))
                connection.execute(delete(words).where(words.c.number.in_(some)))
            statement = update(alerts).where(alerts.c.number == bindparam("its_number"))
            connection.execute(statement, [one.row | {"its_number": number_of[one.row["alert_id"]]} for one in changed])
        numbers = [number_of[key] for key in newest]
        numbered = [(number_of[key], one) for key, one in newest.items()]
        connection.execute(
            insert(tags),
            [{"kind": kind, "value": value, "alert": n} for n, one in numbered for kind, value in sorted(one.tags)],
        )
        connection.execute(insert(words), [{"number": n, "words": o.words, "names": o.names} for n, o in numbered])
        self._index(connection, numbers)
        fresh = {
            (number_of[one.row["alert_id"]], one.row["revision"]): one.revision
            for one in prepared
            if one.row["alert_id"] not in known or one.row["revision"] > known[one.row["alert_id"]].revision
        }
        self._upsert(
            connection, revisions, [row | {"alert": n} for (n, _), row in fresh.items()], ["alert", "revision"]
        )
        self._pseudonymise(connection, {key for one in newest.values() for key in one.keys})
        self._apply(connection, [one.row["alert_id"] for one in new])
        for some in _pieces(numbers):
            scope.reapply(connection, now, alerts.c.number.in_(some))
        _tell(taken, new, changed)

    def _decisions(self, connection: Connection, said: Sequence[Disposition], taken: Taken) -> None:
        rows = {}
        for decision in said:
            row = decision.model_dump(mode="json", exclude={"schema_"}) | {"decided_at": decision.decided_at}
            rows[decision_id(decision)] = row | {
                "decision_id": decision_id(decision),
                "sent_at": decision.decided_at,  # it came from Kafka, so Kafka has it
                "here": False,
                "revision": None,
            }
        known: set[str] = set()
        for some in _pieces(sorted(rows)):
            known |= set(connection.scalars(select(decisions.c.decision_id).where(decisions.c.decision_id.in_(some))))
        fresh = [row for key, row in rows.items() if key not in known]
        if fresh:
            connection.execute(insert(decisions), fresh)
            self._apply(connection, sorted({row["alert_id"] for row in fresh}))
            fields = ("alert_id", "verdict", "analyst")
            taken.decided += [{name: row[name] for name in fields} for row in fresh]

    def _apply(self, connection: Connection, alert_ids: Sequence[str]) -> None:
        """Let alerts show the last decision on them."""
        for some in _pieces(alert_ids):
            apply_decisions(connection, some)

    def _pseudonymise(self, connection: Connection, keys: set[str]) -> None:
        rows = [{"key": key, "pseudonym": self._pseudonyms.party(key)} for key in sorted(keys - self._known)]
        self._upsert(connection, parties, rows, ["key"])
        if len(self._known) < 100_000:
            self._known |= keys

    def _upsert(self, connection: Connection, table: Any, rows: Sequence[Mapping[str, Any]], keys: list[str]) -> None:
        if rows:
            made = sqlite.insert(table) if self._database.sqlite else postgresql.insert(table)
            connection.execute(made.on_conflict_do_nothing(index_elements=keys), list(rows))

    def _offsets(self, connection: Connection, batch: Batch) -> None:
        for (topic, partition), following in batch.offsets.items():
            bad = batch.bad.get((topic, partition), 0)
            where = (offsets.c.topic == topic, offsets.c.partition == partition)
            done = connection.execute(
                update(offsets).where(*where).values(next_offset=following, bad_records=offsets.c.bad_records + bad)
            )
            if not done.rowcount:
                connection.execute(
                    insert(offsets).values(topic=topic, partition=partition, next_offset=following, bad_records=bad)
                )

    def _unindex(self, connection: Connection, numbers: Sequence[int]) -> None:
        # FTS5 keeps no texts of its own here: what leaves the index must be told as it went in.
        if self._database.sqlite:
            _search(connection, "alert_search, rowid, words, names", "'delete', number, words, names", numbers)

    def _index(self, connection: Connection, numbers: Sequence[int]) -> None:
        if self._database.sqlite:
            _search(connection, "rowid, words, names", "number, words, names", numbers)


def apply_decisions(connection: Connection, alert_ids: Sequence[str]) -> None:
    """Let alerts show the last decision on them; ``decided_revision`` is that of the last revision known when it was made."""
    last = connection.execute(
        select(decisions)
        .where(decisions.c.alert_id.in_(alert_ids))
        .order_by(decisions.c.decided_at, decisions.c.decision_id)
    )
    newest = {row.alert_id: row for row in last}
    if not newest:
        return
    seen = (
        select(func.max(revisions.c.revision))
        .where(
            revisions.c.alert == alerts.c.number,
            revisions.c.updated_at <= bindparam("its_time", type_=revisions.c.updated_at.type),
        )
        .scalar_subquery()
    )
    statement = (
        update(alerts)
        .where(alerts.c.alert_id == bindparam("its_id"))
        .values(
            verdict=bindparam("its_verdict"),
            decided_by=bindparam("its_analyst"),
            decided_at=bindparam("its_time", type_=alerts.c.decided_at.type),
            decided_revision=func.coalesce(bindparam("its_revision"), seen),
        )
    )
    connection.execute(
        statement,
        [
            {
                "its_id": row.alert_id,
                "its_verdict": row.verdict,
                "its_analyst": row.analyst,
                "its_time": row.decided_at,
                "its_revision": row.revision,
            }
            for row in newest.values()
        ],
    )


def _search(connection: Connection, columns: str, chosen: str, numbers: Sequence[int]) -> None:
    for some in _pieces(numbers):
        statement = text(
            f"INSERT INTO alert_search ({columns}) SELECT {chosen} FROM alert_words WHERE number IN :numbers"
        )
        connection.execute(statement.bindparams(bindparam("numbers", expanding=True)), {"numbers": list(some)})


def _tell(taken: Taken, new: Sequence[Prepared], changed: Sequence[Prepared]) -> None:
    for kind, some in ((taken.new, new), (taken.changed, changed)):
        for one in some:
            (taken.withdrawn if one.row["status"] == "withdrawn" else kind).append(one.row["alert_id"])
    strong = [
        one.row for one in new if one.row["severity"] in ("high", "critical") and one.row["status"] != "withdrawn"
    ]
    strong.sort(key=lambda row: -row["risk_score"])
    taken.top += [{name: row[name] for name in ("alert_id", "severity", "title")} for row in strong[:5]]


def _pieces(values: Iterable[Any]) -> Iterable[list[Any]]:
    every = list(values)
    return (every[start : start + _AT_ONCE] for start in range(0, len(every), _AT_ONCE))
