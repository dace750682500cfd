"""What analysts do with alerts: decide, take, hand over. Each act, its trail and its message to Kafka are one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, insert, select, update

from schemas.disposition import Disposition
from streams.console.access.person import Person, Role
from streams.console.events import News, Publish
from streams.console.store.alerts import Alerts
from streams.console.store.database import Database
from streams.console.store.model import DecisionLine
from streams.console.store.reads import Audit
from streams.console.store.tables import alerts, decisions, outbox, users
from streams.console.store.taking import apply_decisions, decision_id

_c = alerts.c
MOST_AT_ONCE = 10_000
_TOLD = 100


class Decisions:
    """What became of alerts."""

    def __init__(
        self, database: Database, shown: Alerts, audit: Audit, publish: Publish, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._shown = shown
        self._audit = audit
        self._publish = publish
        self._clock = clock

    def decide(
        self,
        alert_ids: Sequence[str],
        person: Person,
        verdict: str,
        confirmed_codes: Sequence[str] = (),
        found: Mapping[str, Any] | None = None,
        revenue_recovered: Mapping[str, Any] | None = None,
        note: str | None = None,
    ) -> tuple[DecisionLine, ...]:
        """Decide on alerts, one or many, and hand the decisions to the outbox in the same transaction.

        The same decision by the same person on the same revision, made again, is one decision. ``found`` and
        ``revenue_recovered`` are as in `schemas.disposition`. ValueError: a value that the contract refuses; KeyError: an
        unknown alert (nothing is decided then).
        """
        said = {
            "verdict": verdict,
            "confirmed_codes": list(dict.fromkeys(confirmed_codes)),
            "found": dict(found) if found else None,
            "revenue_recovered": dict(revenue_recovered) if revenue_recovered else None,
            "note": note.strip() or None if note else None,
        }
        wanted = _some(alert_ids)
        now = self._clock()
        with self._database.writing() as connection:
            rows = _locked(connection, wanted)
            told: list[DecisionLine] = []
            fresh: list[str] = []
            for alert_id in wanted:
                row = rows[alert_id]
                made = _checked(said, row, person, now)
                again = _same(connection, row, person, made)
                if again is None:
                    again = self._write(connection, made, row)
                    fresh.append(alert_id)
                told.append(self._shown.decision(again, row, person))
            if fresh:
                for start in range(0, len(fresh), 500):
                    apply_decisions(connection, fresh[start : start + 500])
                self._audit.write_each(connection, person, "alert.decided", fresh, verdict=verdict, of=len(wanted))
        if fresh:
            what = {"ids": fresh[:_TOLD], "verdict": verdict, "by": person.name, "count": len(fresh)}
            self._publish(News("decision", what))
        return tuple(told)

    def _write(self, connection: Connection, made: Disposition, row: Any) -> Any:
        identity = decision_id(made)
        values = made.model_dump(mode="json", exclude={"schema_"}) | {
            "decision_id": identity,
            "decided_at": made.decided_at,
            "revision": row.revision,
            "here": True,
            "sent_at": None,
        }
        connection.execute(insert(decisions).values(values))
        body = made.model_dump_json(by_alias=True).encode()
        connection.execute(
            insert(outbox).values(decision_id=identity, key=made.declaration_id, body=body, made_at=made.decided_at)
        )
        return connection.execute(select(decisions).where(decisions.c.decision_id == identity)).one()


def _checked(said: Mapping[str, Any], row: Any, person: Person, now: datetime) -> Disposition:
    try:
        made = Disposition.model_validate(
            {
                **said,
                "alert_id": row.alert_id,
                "declaration_id": row.declaration_id,
                "analyst": person.name,
                "decided_at": now,
            }
        )
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise ValueError(f"{where}: {problem['msg']}") from None
    if made.verdict != "true_positive" and (made.confirmed_codes or made.revenue_recovered):
        raise ValueError("codes are confirmed, and revenue recovered, with the verdict true_positive only")
    return made


def _same(connection: Connection, row: Any, person: Person, made: Disposition) -> Any:
    """Return the last decision on an alert if it says the same of the same revision by the same person."""
    last = connection.execute(
        select(decisions)
        .where(decisions.c.alert_id == row.alert_id)
        .order_by(decisions.c.decided_at.desc(), decisions.c.decision_id.desc())
        .limit(1)
    ).one_or_none()
    if last is None or last.analyst != person.name or last.revision not in (None, row.revision):
        return None
    if last.revision is None and row.updated_at > last.decided_at:
        return None
    said = made.model_dump(mode="json", exclude={"schema_", "decided_at"})
    return last if all(last._mapping[name] == value for name, value in said.items()) else None


class Work:
    """Who works on what."""

    def __init__(self, database: Database, audit: Audit, publish: Publish) -> None:
        self._database = database
        self._audit = audit
        self._publish = publish

    def take(self, alert_ids: Sequence[str], person: Person) -> int:
        """Make a person the owner; return how many alerts changed hands."""
        return self._own(alert_ids, person, person.name, "alert.taken")

    def release(self, alert_ids: Sequence[str], person: Person) -> int:
        """Leave alerts without owner. An analyst may release what is theirs, a supervisor any."""
        return self._own(alert_ids, person, None, "alert.released", only_own=not person.may(Role.supervisor))

    def hand_over(self, alert_ids: Sequence[str], person: Person, to: str, note: str | None = None) -> int:
        """Give alerts to another person, with a note for the trail. LookupError: there is no such active user who may decide."""
        if to not in self.colleagues():
            raise LookupError(f"{to}: nobody of this name may own alerts")
        return self._own(alert_ids, person, to, "alert.handed_over", to=to, note=note or None)

    def colleagues(self) -> tuple[str, ...]:
        """Return the names of active users who may own alerts."""
        may = [role.name for role in Role if role >= Role.analyst]
        wanted = select(users.c.name).where(users.c.active, users.c.role.in_(may)).order_by(users.c.name)
        with self._database.reading() as connection:
            return tuple(connection.scalars(wanted))

    def _own(
        self,
        alert_ids: Sequence[str],
        person: Person,
        owner: str | None,
        act: str,
        only_own: bool = False,
        **details: Any,
    ) -> int:
        wanted = _some(alert_ids)
        with self._database.writing() as connection:
            rows = _locked(connection, wanted)
            changed = [one for one in wanted if rows[one].owner != owner]
            if only_own:
                changed = [one for one in changed if rows[one].owner == person.name]
            for start in range(0, len(changed), 500):
                some = _c.alert_id.in_(changed[start : start + 500])
                connection.execute(update(alerts).where(some).values(owner=owner))
            for one in changed:
                self._audit.write(connection, person, act, one, before=rows[one].owner, **details)
        if changed:
            self._publish(
                News("work", {"ids": changed[:_TOLD], "owner": owner, "by": person.name, "count": len(changed)})
            )
        return len(changed)


def _some(alert_ids: Sequence[str]) -> list[str]:
    wanted = list(dict.fromkeys(alert_ids))
    if not wanted:
        raise ValueError("ids: no alert was named")
    if len(wanted) > MOST_AT_ONCE:
        raise ValueError(f"ids: {len(wanted):,} alerts; at most {MOST_AT_ONCE:,} at once")
    return wanted


def _locked(connection: Connection, alert_ids: Sequence[str]) -> dict[str, Any]:
    """Return the rows of alerts, in one order for every act and kept from others until the end of it."""
    found: dict[str, Any] = {}
    ordered = sorted(alert_ids)
    for start in range(0, len(ordered), 500):
        some = ordered[start : start + 500]
        rows = connection.execute(select(alerts).where(_c.alert_id.in_(some)).order_by(_c.alert_id).with_for_update())
        found |= {row.alert_id: row for row in rows}
    missing = [one for one in ordered if one not in found]
    if missing:
        raise KeyError(f"there is no alert {missing[0]}")
    return found
