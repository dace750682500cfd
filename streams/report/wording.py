"""How values read on the page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from schemas.alert import Alert, Entity
from streams.report.tally import lane


def number(value: float) -> str:
    """Write a number with the digits that a reader can use, and separators of thousands."""
    if abs(value) >= 10_000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.4g}"


def observed(value: Any) -> str:
    """Write what stands in a piece of evidence; "–" for what a declaration did not carry."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(observed(part) for part in value) or "–"
    return str(value)


def day(value: date) -> str:
    """Write a day as ISO 8601."""
    return value.strftime("%Y-%m-%d")


def month(value: date) -> str:
    """Write a month as ISO 8601."""
    return value.strftime("%Y-%m")


def moment(value: datetime) -> str:
    """Write a time to the minute, in UTC."""
    return value.strftime("%Y-%m-%d %H:%M UTC")


def party(entity: Entity) -> str:
    """Write a party: name or identifier, and country."""
    named = entity.name or entity.id or "not named"
    return f"{named} ({entity.country})" if entity.country else named


def codes(alert: Alert) -> str:
    """List the codes of an alert, strongest first, each once."""
    return ", ".join(dict.fromkeys(reason.code for reason in alert.reasons))


FILTERS: dict[str, Callable[..., str]] = {
    "observed": observed,
    "day": day,
    "moment": moment,
    "party": party,
    "codes": codes,
    "lane": lane,
}
