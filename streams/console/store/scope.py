"""Which alerts a suppression is for, as SQL: one wording for the whole queue and for what comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select, update

from streams.console.store.tables import alerts, suppressions, tags

PARTS = ("rule", "code", "party", "lane", "group_key")


def matches(scope: Mapping[str, Any]) -> ColumnElement[bool]:
    """Return the condition on ``alerts`` that a scope means.

    A rule or code must be the only one among the reasons: no other ground is ever hidden.
    """
    wanted: list[ColumnElement[bool]] = []
    for kind, count in (("rule", alerts.c.rule_count), ("code", alerts.c.code_count)):
        if scope.get(kind):
            wanted += [count == 1, tagged(kind, [scope[kind]])]
    if scope.get("party"):
        wanted.append(tagged("party", [scope["party"]]))
    wanted += [alerts.c[part] == scope[part] for part in ("lane", "group_key") if scope.get(part)]
    return and_(*wanted)


def tagged(kind: str, values: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that an alert has one of these tags."""
    return exists(select(1).where(tags.c.kind == kind, tags.c.value.in_(values), tags.c.alert == alerts.c.number))


def in_force(connection: Connection, now: Any) -> Sequence[Any]:
    """Return the suppressions in force, oldest first."""
    s = suppressions.c
    return connection.execute(
        select(suppressions).where(s.ended_at.is_(None), s.expires_at > now).order_by(s.number)
    ).fetchall()


def reapply(connection: Connection, now: Any, only: ColumnElement[bool]) -> None:
    """Hide and mark the alerts of a condition by the suppressions in force, and by no other; the oldest that matches counts."""
    touched = or_(alerts.c.hidden_by.is_not(None), alerts.c.marked_by.is_not(None))
    connection.execute(update(alerts).where(only, touched).values(hidden_by=None, marked_by=None))
    for rule in in_force(connection, now):
        column = alerts.c.hidden_by if rule.effect == "hide" else alerts.c.marked_by
        connection.execute(
            update(alerts).where(only, column.is_(None), matches(rule._mapping)).values({column.name: rule.number})
        )
