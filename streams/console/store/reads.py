"""The audit trail: who did what, and who read names of parties."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from streams.console.access.person import Person
from streams.console.store.database import Database
from streams.console.store.model import AuditLine
from streams.console.store.tables import audit

#: A session that looks at the same names again within these seconds reads nothing new.
_AGAIN_SECONDS = 600.0
_SESSIONS = 500
_LARGEST_PAGE = 1_000


def entry(person: Person, at: datetime, act: str, subject: str | None, details: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a line."""
    return {
        "at": at,
        "person": person.name,
        "role": person.role.name,
        "act": act,
        "subject": subject,
        "details": dict(details),
        "session": person.session,
        "address": person.address,
    }


class Audit:
    """The audit trail: written once, never changed."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def record(self, person: Person, act: str, subject: str | None = None, **details: Any) -> None:
        """Write a line."""
        with self._database.writing() as connection:
            self.write(connection, person, act, subject, **details)

    def write(
        self, connection: Connection, person: Person, act: str, subject: str | None = None, **details: Any
    ) -> None:
        """Write a line in the transaction of the act itself."""
        connection.execute(insert(audit).values(entry(person, self._clock(), act, subject, details)))

    def write_each(
        self, connection: Connection, person: Person, act: str, subjects: Sequence[str], **details: Any
    ) -> None:
        """Write a line for each subject of one act."""
        if subjects:
            now = self._clock()
            connection.execute(insert(audit), [entry(person, now, act, subject, details) for subject in subjects])

    def entries(
        self,
        *,
        subject: str | None = None,
        person: str | None = None,
        act: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> tuple[AuditLine, ...]:
        """Return lines, newest first; ``before`` is the number of the last line of the page before."""
        wanted = [
            column == value
            for column, value in ((audit.c.subject, subject), (audit.c.person, person), (audit.c.act, act))
            if value is not None
        ]
        if before is not None:
            wanted.append(audit.c.number < before)
        statement = (
            select(audit).where(*wanted).order_by(audit.c.number.desc()).limit(max(1, min(limit, _LARGEST_PAGE)))
        )
        with self._database.reading() as connection:
            return tuple(
                AuditLine(row.number, row.at, row.person, row.role, row.act, row.subject, row.details, row.address)
                for row in connection.execute(statement)
            )


class Reads:
    """Notes whose names somebody saw. A list is told once to a session for ten minutes; live pages ask for it every moment."""

    def __init__(self, trail: Audit) -> None:
        self._trail = trail
        self._lock = threading.Lock()
        self._seen: OrderedDict[Any, dict[str, float]] = OrderedDict()

    def note(self, act: str, person: Person, alert_ids: Sequence[str]) -> None:
        """Write that a person saw names in these alerts; nothing for one who sees pseudonyms."""
        if not person.sees_names or not alert_ids:
            return
        now = time.monotonic()
        key = (person.name, person.session, act)
        with self._lock:
            seen = self._seen.setdefault(key, {})
            self._seen.move_to_end(key)
            for old in [alert for alert, at in seen.items() if now - at > _AGAIN_SECONDS]:
                del seen[old]
            fresh = [alert for alert in dict.fromkeys(alert_ids) if alert not in seen]
            seen.update(dict.fromkeys(fresh, now))
            while len(self._seen) > _SESSIONS:
                self._seen.popitem(last=False)
        if fresh:
            try:
                self._trail.record(person, act, None, alerts=fresh)
            except BaseException:
                with self._lock:  # what could not be written down was not shown either
                    for alert in fresh:
                        seen.pop(alert, None)
                raise
