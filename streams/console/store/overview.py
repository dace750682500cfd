"""The numbers of the overview: alerts by day, code, lane, office; precision by decisions; age of the queue; versions."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from streams.console.store.model import DayCount, Overview, QueueAge, RulePrecision, Tally
from streams.console.store.tables import alerts, decisions, tags

_c = alerts.c
_MOST = 20
#: Fewer judged alerts say nothing of a rule.
_JUDGED = 10
_GOOD = 0.5
_BANDS = (("under 1 h", 1.0), ("1 to 4 h", 4.0), ("4 to 24 h", 24.0), ("1 to 3 days", 72.0), ("3 to 7 days", 168.0))
_DAY_US = 86_400_000_000


def overview(connection: Connection, now: datetime, days: int) -> Overview:
    """Return the numbers of the last ``days`` days; the age of the queue is that of everything undecided."""
    since = _c.raised_at >= now - timedelta(days=days)
    rules, codes = _precision(connection, since)
    decided, hours = _speed(connection, now - timedelta(days=days))
    return Overview(
        at=now,
        days=days,
        by_day=_by_day(connection, since, now, days),
        by_severity=_tally(connection, _c.severity, since),
        by_code=_tally_tags(connection, "code", since),
        by_lane=_tally(connection, _c.lane, since),
        by_office=_tally(connection, _c.office, since),
        by_substance=_tally_tags(connection, "substance", since),
        by_verdict=_tally(connection, _c.verdict, since),
        queue_age=_age(connection, now),
        rules=rules,
        codes=codes,
        versions=_versions(connection, since),
        decided=decided,
        median_hours_to_decision=hours,
    )


def _tally(connection: Connection, column: Any, since: Any) -> tuple[Tally, ...]:
    count = func.count()
    rows = connection.execute(
        select(column, count)
        .where(since, column.is_not(None))
        .group_by(column)
        .order_by(count.desc(), column)
        .limit(_MOST)
    )
    return tuple(Tally(str(value), number) for value, number in rows)


def _tally_tags(connection: Connection, kind: str, since: Any) -> tuple[Tally, ...]:
    count = func.count()
    rows = connection.execute(
        select(tags.c.value, count)
        .where(tags.c.kind == kind, tags.c.alert.in_(select(_c.number).where(since)))
        .group_by(tags.c.value)
        .order_by(count.desc(), tags.c.value)
        .limit(_MOST)
    )
    return tuple(Tally(value, number) for value, number in rows)


def _by_day(connection: Connection, since: Any, now: datetime, days: int) -> tuple[DayCount, ...]:
    from sqlalchemy import BigInteger, type_coerce

    # Whole division of microseconds: the day of UTC, alike in every database.
    day = (type_coerce(_c.raised_at, BigInteger) // _DAY_US).label("day")
    found: dict[str, Counter[str]] = {}
    epoch = datetime(1970, 1, 1, tzinfo=now.tzinfo)
    for number, severity, count in connection.execute(
        select(day, _c.severity, func.count()).where(since).group_by(day, _c.severity)
    ):
        found.setdefault((epoch + timedelta(days=int(number))).date().isoformat(), Counter())[severity] += count
    every = ((now - timedelta(days=back)).date().isoformat() for back in range(days - 1, -1, -1))
    return tuple(_day(one, found.get(one, Counter())) for one in every)


def _day(day: str, counts: Mapping[str, int]) -> DayCount:
    return DayCount(day, *(counts.get(severity, 0) for severity in ("low", "medium", "high", "critical")))


def _age(connection: Connection, now: datetime) -> QueueAge:
    raised = connection.scalars(
        select(_c.raised_at).where(_c.verdict.is_(None), _c.hidden_by.is_(None), _c.status != "withdrawn")
    )
    hours = [(now - at).total_seconds() / 3600 for at in raised]
    bands = Counter(next((name for name, limit in _BANDS if age < limit), "over 7 days") for age in hours)
    names = [name for name, _ in _BANDS] + ["over 7 days"]
    return QueueAge(
        len(hours),
        round(statistics.median(hours), 2) if hours else None,
        round(max(hours), 2) if hours else None,
        tuple(Tally(name, bands[name]) for name in names),
    )


def _precision(connection: Connection, since: Any) -> tuple[tuple[RulePrecision, ...], tuple[RulePrecision, ...]]:
    totals: dict[str, dict[str, int]] = {
        kind: dict(
            connection.execute(
                select(tags.c.value, func.count())
                .where(tags.c.kind == kind, tags.c.alert.in_(select(_c.number).where(since)))
                .group_by(tags.c.value)
            ).all()
        )
        for kind in ("rule", "code")
    }
    latest = (
        select(decisions.c.alert_id, func.max(decisions.c.decided_at).label("at"))
        .group_by(decisions.c.alert_id)
        .subquery()
    )
    rows = connection.execute(
        select(_c.alert_id, _c.rules, decisions.c.verdict, decisions.c.confirmed_codes)
        .join(latest, latest.c.alert_id == _c.alert_id)
        .join(decisions, (decisions.c.alert_id == _c.alert_id) & (decisions.c.decided_at == latest.c.at))
        .where(since)
    )
    confirmed: Counter[tuple[str, str]] = Counter()
    refuted: Counter[tuple[str, str]] = Counter()
    code_of: dict[str, str] = {}
    seen: set[str] = set()
    for row in rows:
        if row.alert_id in seen:  # two decisions of one microsecond
            continue
        seen.add(row.alert_id)
        code_of |= dict(row.rules)
        named = {("rule", rule, code) for rule, code in row.rules} | {("code", code, code) for _, code in row.rules}
        for kind, value, code in named:
            if row.verdict == "true_positive" and (not row.confirmed_codes or code in row.confirmed_codes):
                confirmed[kind, value] += 1
            elif row.verdict in ("false_positive", "benign"):
                refuted[kind, value] += 1
    code_of |= _codes_of(connection, set(totals["rule"]) - set(code_of))
    rules = _ranked(((rule, code_of.get(rule, "")) for rule in totals["rule"]), "rule", totals, confirmed, refuted)
    codes = _ranked(((code, code) for code in totals["code"]), "code", totals, confirmed, refuted)
    return rules, codes


def _codes_of(connection: Connection, rules: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for rule in rules:
        one = select(tags.c.alert).where(tags.c.kind == "rule", tags.c.value == rule).limit(1)
        pairs = connection.scalar(select(_c.rules).where(_c.number == one.scalar_subquery())) or []
        found |= {named: code for named, code in pairs if named == rule}
    return found


def _ranked(
    named: Iterable[tuple[str, str]],
    kind: str,
    totals: Mapping[str, Mapping[str, int]],
    confirmed: Mapping[tuple[str, str], int],
    refuted: Mapping[tuple[str, str], int],
) -> tuple[RulePrecision, ...]:
    found = []
    for value, code in named:
        right, wrong = confirmed.get((kind, value), 0), refuted.get((kind, value), 0)
        precision = right / (right + wrong) if right + wrong else None
        weak = precision is not None and right + wrong >= _JUDGED and precision < _GOOD
        found.append(RulePrecision(value, code, totals[kind][value], right, wrong, precision, weak))
    return tuple(sorted(found, key=lambda one: (not one.needs_tuning, -one.alerts, one.rule)))


def _speed(connection: Connection, since: datetime) -> tuple[int, float | None]:
    first = (
        select(decisions.c.alert_id, func.min(decisions.c.decided_at, type_=decisions.c.decided_at.type).label("at"))
        .group_by(decisions.c.alert_id)
        .subquery()
    )
    rows = connection.execute(
        select(_c.raised_at, first.c.at).join(first, first.c.alert_id == _c.alert_id).where(first.c.at >= since)
    )
    hours = [max(0.0, (at - raised).total_seconds() / 3600) for raised, at in rows]
    return len(hours), round(statistics.median(hours), 3) if hours else None


def _versions(connection: Connection, since: Any) -> dict[str, list[Tally]]:
    # Only a few combinations occur at a time: they are counted as they stand.
    from sqlalchemy import Text, cast

    said = cast(_c.versions, Text).label("said")
    found: dict[str, Counter[str]] = {}
    import json

    for text, count in connection.execute(select(said, func.count()).where(since).group_by(said)):
        for part, version in json.loads(text).items():
            found.setdefault(part, Counter())[version] += count
    return {part: [Tally(v, n) for v, n in counts.most_common(_MOST)] for part, counts in sorted(found.items())}
