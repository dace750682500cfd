"""One alert, and what stands beside it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, or_, select

from streams.console.access.person import Person
from streams.console.store.database import Database
from streams.console.store.model import (
    AlertDetail,
    AlertLine,
    AuditLine,
    DecisionLine,
    LaneDay,
    RevisionLine,
    Similar,
)
from streams.console.store.reading import Pseudonyms, line, unpacked, veil, veiled
from streams.console.store.reads import Audit, Reads
from streams.console.store.tables import alerts, decisions, revisions, tags

_c = alerts.c
#: What a shared trait says of likeness; a party says more than a country.
_WEIGHTS = {"party": 3.0, "substance": 2.0, "rule": 1.0, "code": 1.0, "country": 0.5}
#: Alerts looked at for likeness: the newest that share a trait, the rarest traits first.
_LOOKED_AT = 400
_DECIDED = 0.05  # in likeness: what has a verdict tells more
_TRAIL = 200


class Alerts:
    """One alert, and what stands beside it."""

    def __init__(
        self,
        database: Database,
        pseudonyms: Pseudonyms,
        audit: Audit,
        reads: Reads,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._pseudonyms = pseudonyms
        self._audit = audit
        self._reads = reads
        self._clock = clock

    def read(self, alert_id: str, person: Person, revision: int | None = None) -> AlertDetail | None:
        """Return an alert (an earlier revision, if asked), or None. The read is audited where it shows personal data."""
        with self._database.reading() as connection:
            row = connection.execute(select(alerts).where(_c.alert_id == alert_id)).one_or_none()
            if row is None:
                return None
            shown = row.revision if revision is None else revision
            kept = connection.scalar(
                select(revisions.c.document).where(revisions.c.alert == row.number, revisions.c.revision == shown)
            )
            if kept is None:
                return None
            history = connection.execute(
                select(*(column for column in revisions.c if column.name not in ("alert", "document")))
                .where(revisions.c.alert == row.number)
                .order_by(revisions.c.revision.desc())
            ).fetchall()
            said = connection.execute(
                select(decisions)
                .where(decisions.c.alert_id == alert_id)
                .order_by(decisions.c.decided_at.desc(), decisions.c.decision_id)
            ).fetchall()
        document = unpacked(kept)
        if person.sees_names:
            if row.personal:
                self._audit.record(person, "alert.read", alert_id, revision=shown)
        else:
            document = veil(document, row, self._pseudonyms)
        return AlertDetail(
            line(row, person, self._pseudonyms),
            document,
            tuple(self._revision(one, row, person) for one in history),
            tuple(self.decision(one, row, person) for one in said),
            self._trail(alert_id, person),
            not person.sees_names,
        )

    def lines(self, alert_ids: Sequence[str], person: Person) -> tuple[AlertLine, ...]:
        """Return the queue lines of these alerts, in the order given; ids not known are left out."""
        with self._database.reading() as connection:
            rows = {row.alert_id: row for row in _rows(connection, alert_ids)}
        return self._shown([rows[one] for one in dict.fromkeys(alert_ids) if one in rows], person)

    def similar(self, alert_id: str, person: Person, limit: int = 8) -> tuple[Similar, ...]:
        """Return earlier alerts most like one: by parties, substances, codes, lane and heading; decided first."""
        with self._database.reading() as connection:
            this = connection.execute(select(alerts).where(_c.alert_id == alert_id)).one_or_none()
            if this is None:
                return ()
            traits = {(t.kind, t.value) for t in connection.execute(select(tags).where(tags.c.alert == this.number))}
            numbers = _candidates(connection, this, traits)
            theirs: dict[int, set[tuple[str, str]]] = {number: set() for number in numbers}
            for tag in connection.execute(select(tags).where(tags.c.alert.in_(numbers))):
                theirs[tag.alert].add((tag.kind, tag.value))
            rows = connection.execute(select(alerts).where(_c.number.in_(numbers))).fetchall()
        scored = [(_likeness(this, row, traits, theirs[row.number]), row) for row in rows]
        scored.sort(key=lambda one: (-(one[0][0] + _DECIDED * (one[1].verdict is not None)), -one[1].number))
        best = scored[:limit]
        lines = self._shown([row for _, row in best], person)
        names = {key: self._pseudonyms.party(key) for kind, key in traits if kind == "party"}
        return tuple(
            Similar(its, round(likeness, 3), _told(shared, person, names))
            for its, ((likeness, shared), _) in zip(lines, best, strict=True)
        )

    def lane(self, alert_id: str, days: int = 365) -> tuple[LaneDay, ...]:
        """Return the days of an alert's lane and substances that had alerts, oldest first, up to its own day."""
        with self._database.reading() as connection:
            this = connection.execute(select(alerts).where(_c.alert_id == alert_id)).one_or_none()
            if this is None:
                return ()
            wanted = [_c.lane == this.lane, _c.event_time <= this.event_time]
            wanted.append(_c.event_time > this.event_time - timedelta(days=days))
            if this.substances:
                among = select(tags.c.alert).where(tags.c.kind == "substance", tags.c.value.in_(this.substances))
                wanted.append(_c.number.in_(among))
            found: Counter[str] = Counter()
            confirmed: Counter[str] = Counter()
            for row in connection.execute(select(_c.event_time, _c.verdict).where(*wanted)):
                day = row.event_time.date().isoformat()
                found[day] += 1
                confirmed[day] += row.verdict == "true_positive"
        return tuple(LaneDay(day, count, confirmed[day]) for day, count in sorted(found.items()))

    def related(self, alert_id: str, person: Person, days: float = 30.0, limit: int = 200) -> tuple[AlertLine, ...]:
        """Return alerts that share a party, the group, or a related id, within so many days of event time; oldest first."""
        with self._database.reading() as connection:
            this = connection.execute(select(alerts).where(_c.alert_id == alert_id)).one_or_none()
            if this is None:
                return ()
            kept = connection.scalar(
                select(revisions.c.document).where(
                    revisions.c.alert == this.number, revisions.c.revision == this.revision
                )
            )
            named = unpacked(kept).get("related") or [] if kept else []
            keys = [party[1] for party in this.parties]
            among = [_c.alert_id.in_(named)]
            if keys:
                of_party = select(tags.c.alert).where(tags.c.kind == "party", tags.c.value.in_(keys))
                among.append(_c.number.in_(of_party))
            if this.group_key:
                among.append(_c.group_key == this.group_key)
            near = timedelta(days=days)
            rows = connection.execute(
                select(alerts)
                .where(
                    or_(*among),
                    _c.number != this.number,
                    _c.event_time.between(this.event_time - near, this.event_time + near),
                )
                .order_by(func.abs(_c.event_time - _micro(this.event_time)), _c.number)
                .limit(limit)
            ).fetchall()
        return self._shown(sorted(rows, key=lambda row: (row.event_time, row.number)), person)

    def decision(self, row: Any, alert: Any, person: Person) -> DecisionLine:
        """Return a decision as a person may see it."""
        note = row.note
        if not person.sees_names and note:
            note = veiled(note, {text: self._pseudonyms.party(p[1]) for p in alert.parties for text in p[2:4] if text})
        return DecisionLine(
            row.decision_id,
            row.alert_id,
            row.declaration_id,
            row.verdict,
            tuple(row.confirmed_codes),
            row.found,
            row.revenue_recovered,
            row.analyst,
            note,
            row.decided_at,
            row.sent_at,
            row.here,
        )

    def _revision(self, row: Any, alert: Any, person: Person) -> RevisionLine:
        title = row.title
        if not person.sees_names:
            title = veiled(
                title, {text: self._pseudonyms.party(p[1]) for p in alert.parties for text in p[2:4] if text}
            )
        codes = tuple(row.codes)
        return RevisionLine(row.revision, row.status, row.severity, row.risk_score, title, row.updated_at, codes)

    def _shown(self, rows: Sequence[Any], person: Person) -> tuple[AlertLine, ...]:
        self._reads.note("queue.read", person, [row.alert_id for row in rows if row.personal])
        return tuple(line(row, person, self._pseudonyms) for row in rows)

    def _trail(self, alert_id: str, person: Person) -> tuple[AuditLine, ...]:
        """Return what was done with an alert; who read it is for those who may see the whole trail."""
        found = self._audit.entries(subject=alert_id, limit=_TRAIL)
        from streams.console.access.person import Role

        if not person.may(Role.analyst):
            return ()
        return found if person.may(Role.supervisor) else tuple(one for one in found if one.act != "alert.read")


def _micro(at: datetime) -> Any:
    from sqlalchemy import literal

    return literal(at, type_=_c.event_time.type)


def _rows(connection: Connection, alert_ids: Sequence[str]) -> list[Any]:
    found: list[Any] = []
    for start in range(0, len(alert_ids), 500):
        some = alert_ids[start : start + 500]
        found += connection.execute(select(alerts).where(_c.alert_id.in_(some))).fetchall()
    return found


def _candidates(connection: Connection, this: Any, traits: Iterable[tuple[str, str]]) -> list[int]:
    """Return numbers of alerts that share a trait: the newest of each, strong traits first."""
    found: dict[int, None] = {}
    for kind, value in sorted(traits, key=lambda trait: (-_WEIGHTS[trait[0]], trait)):
        some = (
            select(tags.c.alert)
            .where(tags.c.kind == kind, tags.c.value == value, tags.c.alert != this.number)
            .order_by(tags.c.alert.desc())
            .limit(_LOOKED_AT // 4)
        )
        found |= dict.fromkeys(connection.scalars(some))
        if len(found) >= _LOOKED_AT:
            break
    earlier = select(_c.number).where(_c.number.in_(list(found)[:_LOOKED_AT]), _c.event_time <= this.event_time)
    return list(connection.scalars(earlier))


def _likeness(
    this: Any, other: Any, mine: set[tuple[str, str]], theirs: set[tuple[str, str]]
) -> tuple[float, list[tuple[str, str]]]:
    """Return the weight of what two alerts share by the geometric mean of what each has, 0 to 1; and what it is."""
    shared = mine & theirs
    extra_mine, extra_theirs, extra = 1.0, 1.0, 0.0
    told = sorted(shared, key=lambda trait: (-_WEIGHTS[trait[0]], trait))
    if this.lane == other.lane:
        extra += 1.0
        told.append(("lane", this.lane))
    headings = set(this.headings) & set(other.headings)
    if headings:
        extra += 1.0
        told.append(("heading", sorted(headings)[0]))
    extra_mine += bool(this.headings)
    extra_theirs += bool(other.headings)
    weight = [sum(_WEIGHTS[kind] for kind, _ in some) for some in (shared, mine, theirs)]
    whole = math.sqrt((weight[1] + extra_mine) * (weight[2] + extra_theirs))
    return min(1.0, (weight[0] + extra) / whole), told


def _told(shared: Sequence[tuple[str, str]], person: Person, names: dict[str, str]) -> tuple[str, ...]:
    return tuple(
        f"{kind} {names.get(value, value) if kind == 'party' and not person.sees_names else value}"
        for kind, value in shared
        if kind != "rule"
    )
