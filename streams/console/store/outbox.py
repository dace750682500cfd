"""Decisions on their way to Kafka."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update

from streams.console.store.database import Database
from streams.console.store.tables import decisions, offsets, outbox


@dataclass(frozen=True, slots=True)
class Waiting:
    """One decision that Kafka has not acknowledged: its place, key and body."""

    number: int
    decision_id: str
    key: str
    body: bytes


class Outbox:
    """Decisions on their way to Kafka, in the order in which they were made."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def waiting(self, limit: int = 500) -> list[Waiting]:
        """Return the oldest decisions that wait."""
        wanted = select(outbox).order_by(outbox.c.number).limit(limit)
        with self._database.reading() as connection:
            return [Waiting(r.number, r.decision_id, r.key, r.body) for r in connection.execute(wanted)]

    def sent(self, acknowledged: Sequence[Waiting]) -> None:
        """Take out what Kafka has."""
        now = self._clock()
        with self._database.writing() as connection:
            for start in range(0, len(acknowledged), 500):
                some = acknowledged[start : start + 500]
                ids = [one.decision_id for one in some]
                connection.execute(update(decisions).where(decisions.c.decision_id.in_(ids)).values(sent_at=now))
                connection.execute(delete(outbox).where(outbox.c.number.in_([one.number for one in some])))

    def state(self) -> tuple[int, datetime | None]:
        """Return how many wait, and since when the oldest does."""
        wanted = select(func.count(), func.min(outbox.c.made_at, type_=outbox.c.made_at.type))
        with self._database.reading() as connection:
            count, oldest = connection.execute(wanted).one()
            return count, oldest

    def offsets(self) -> dict[tuple[str, int], int]:
        """Return (topic, partition) -> the offset to read next."""
        with self._database.reading() as connection:
            rows = connection.execute(select(offsets.c.topic, offsets.c.partition, offsets.c.next_offset))
            return {(topic, partition): following for topic, partition, following in rows}

    def bad_records(self) -> int:
        """Return how many records were none."""
        with self._database.reading() as connection:
            return int(connection.scalar(select(func.sum(offsets.c.bad_records))) or 0)
