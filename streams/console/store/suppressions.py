"""Rules that hide or mark alerts until they end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import func, insert, select, update

from streams.console.access.person import Person, Role
from streams.console.events import News, Publish
from streams.console.store import scope as scopes
from streams.console.store.database import Database
from streams.console.store.model import Suppression
from streams.console.store.reading import Pseudonyms
from streams.console.store.reads import Audit
from streams.console.store.tables import alerts, suppressions

_s = suppressions.c
LONGEST_DAYS = {Role.analyst: 30, Role.supervisor: 366, Role.admin: 366}
_SYSTEM = Person("console", "console", Role.admin)


class Suppressions:
    """Rules that hide or mark alerts until they end."""

    def __init__(
        self,
        database: Database,
        pseudonyms: Pseudonyms,
        audit: Audit,
        publish: Publish,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._pseudonyms = pseudonyms
        self._audit = audit
        self._publish = publish
        self._clock = clock

    def all(self, ended: bool = False, person: Person | None = None) -> tuple[Suppression, ...]:
        """Return those in force, newest first; with ``ended`` all there ever were.

        Parties and groups stand as pseudonyms unless a person is given who may see names.
        """
        shown = self._veiled if person is None or not person.sees_names else _suppression
        now = self._clock()
        wanted = select(suppressions).order_by(_s.number.desc())
        if not ended:
            wanted = wanted.where(_s.ended_at.is_(None), _s.expires_at > now)
        with self._database.reading() as connection:
            counted: dict[int, int] = {}
            for column in (alerts.c.hidden_by, alerts.c.marked_by):
                counted |= dict(
                    connection.execute(select(column, func.count()).where(column.is_not(None)).group_by(column)).all()
                )
            return tuple(shown(row, counted.get(row.number, 0)) for row in connection.execute(wanted))

    def whole(self) -> tuple[Suppression, ...]:
        """Return those in force, newest first, with names: for the operator of the machine, not for pages."""
        with self._database.reading() as connection:
            rows = scopes.in_force(connection, self._clock())
        return tuple(_suppression(row, 0) for row in reversed(rows))

    def _veiled(self, row: Any, matches: int) -> Suppression:
        party = self._pseudonyms.party(row.party) if row.party else None
        group = self._pseudonyms.of("Group", row.group_key) if row.group_key else None
        return replace(_suppression(row, matches), party=party, group_key=group)

    def add(
        self,
        person: Person,
        reason: str,
        expires_at: datetime,
        *,
        rule: str | None = None,
        code: str | None = None,
        party: str | None = None,
        lane: str | None = None,
        group_key: str | None = None,
        effect: Literal["hide", "mark"] = "hide",
    ) -> Suppression:
        """Begin a suppression.

        ValueError: no scope, no reason, no future end, or one more than 30 days away (a supervisor's: a year).
        """
        scope = _scope(rule=rule, code=code, party=party, lane=lane, group_key=group_key)
        reason, now = reason.strip(), self._clock()
        if not reason or len(reason) > 2_000:
            raise ValueError("reason: 1 to 2,000 characters")
        if effect not in ("hide", "mark"):
            raise ValueError("effect: hide or mark")
        longest = LONGEST_DAYS.get(person.role, 0)
        if not now < expires_at <= now + timedelta(days=longest):
            raise ValueError(f"expires_at: in the future, at most {longest} days away")
        row = {
            **scope,
            "effect": effect,
            "reason": reason,
            "author": person.name,
            "created_at": now,
            "expires_at": expires_at,
        }
        with self._database.writing() as connection:
            made = connection.execute(insert(suppressions).values(row).returning(suppressions)).one()
            scopes.reapply(connection, now, scopes.matches(scope))
            column = alerts.c.hidden_by if effect == "hide" else alerts.c.marked_by
            count = connection.scalar(select(func.count()).select_from(alerts).where(column == made.number)) or 0
            self._audit.write(
                connection,
                person,
                "suppression.began",
                str(made.number),
                **{key: value for key, value in scope.items() if value},
                effect=effect,
                reason=reason,
                expires_at=expires_at.isoformat(),
                matches=count,
            )
        self._publish(News("suppressions", {"by": person.name}))
        return _suppression(made, count)

    def preview(self, **scope: str | None) -> int:
        """Return how many alerts a scope (the names of `add`) would match now."""
        wanted = select(func.count()).select_from(alerts).where(scopes.matches(_scope(**scope)))
        with self._database.reading() as connection:
            return connection.scalar(wanted) or 0

    def end(self, person: Person, suppression_id: int) -> bool:
        """End one before its time; False: it is not in force. PermissionError: somebody else's, and no supervisor asks."""
        now = self._clock()
        with self._database.writing() as connection:
            row = connection.execute(
                select(suppressions).where(_s.number == suppression_id, _s.ended_at.is_(None), _s.expires_at > now)
            ).one_or_none()
            if row is None:
                return False
            if row.author != person.name and not person.may(Role.supervisor):
                raise PermissionError("an analyst ends their own suppressions")
            self._end(connection, [suppression_id], now, person)
        self._publish(News("suppressions", {"by": person.name}))
        return True

    def expire(self) -> int:
        """End those whose time is over, and return how many; the console calls it every few seconds."""
        now = self._clock()
        over = select(_s.number).where(_s.ended_at.is_(None), _s.expires_at <= now)
        with self._database.reading() as connection:
            if not connection.scalars(over).first():
                return 0
        with self._database.writing() as connection:
            numbers = list(connection.scalars(over))
            self._end(connection, numbers, now, _SYSTEM)
        self._publish(News("suppressions", {"by": _SYSTEM.name}))
        return len(numbers)

    def _end(self, connection: Any, numbers: list[int], now: datetime, person: Person) -> None:
        connection.execute(
            update(suppressions).where(_s.number.in_(numbers)).values(ended_at=now, ended_by=person.name)
        )
        # What they hid may be another's to hide.
        touched = list(
            connection.scalars(
                select(alerts.c.number).where(alerts.c.hidden_by.in_(numbers) | alerts.c.marked_by.in_(numbers))
            )
        )
        for start in range(0, len(touched), 500):
            scopes.reapply(connection, now, alerts.c.number.in_(touched[start : start + 500]))
        self._audit.write_each(connection, person, "suppression.ended", [str(number) for number in numbers])


def _scope(**scope: str | None) -> dict[str, str | None]:
    unknown = set(scope) - set(scopes.PARTS)
    if unknown:
        raise ValueError(f"scope: {', '.join(sorted(unknown))} unknown; parts are {', '.join(scopes.PARTS)}")
    found = {part: (scope.get(part) or "").strip() or None for part in scopes.PARTS}
    if not any(found.values()):
        raise ValueError(f"scope: at least one of {', '.join(scopes.PARTS)}")
    if any(len(value) > 1024 for value in found.values() if value):
        raise ValueError("scope: too long")
    return found


def _suppression(row: Any, matches: int) -> Suppression:
    return Suppression(
        row.number,
        row.rule,
        row.code,
        row.party,
        row.lane,
        row.group_key,
        row.effect,
        row.reason,
        row.author,
        row.created_at,
        row.expires_at,
        row.ended_at,
        row.ended_by,
        matches,
    )
