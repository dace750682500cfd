"""Values out of XML elements: numbers, masses, money, times. Absent or zero is ``None``; nonsense a located error."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from schemas.declaration import MAX_ITEMS
from schemas.errors import FeedError
from schemas.feeds._codelists import kilograms
from schemas.feeds._xml import Node

Row = dict[str, Any]

_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})\Z")
_WHOLE = re.compile(r"[0-9]{1,12}(?:\.0*)?\Z")
_COMPACT_TIME = re.compile(r"([0-9]{8})(?:([0-9]{4})([0-9]{2})?)?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?\Z")
_UNIT = re.compile(r"[A-Z0-9]{1,3}\Z")


def _amount(text: str, node: Node, name: str | None) -> float | None:
    if not _DECIMAL.match(text):
        raise _place(node, name).wrong(f"not a decimal number: {_shown(text)}")
    amount = float(text)
    if amount < 0:
        raise _place(node, name).wrong(f"below zero: {_shown(text)}")
    return amount or None


def _place(node: Node, name: str | None) -> Node:
    return (node.one(name) if name else None) or node


def number(node: Node | None) -> float | None:
    """Return a decimal number above zero; zero says "not stated" in customs messages."""
    text = None if node is None else node.text()
    return None if text is None or node is None else _amount(text, node, None)


def whole(node: Node | None, name: str | None = None) -> int | None:
    """Return a whole number, zero included: that of the element, or of its first child of that name."""
    if node is None or (text := node.text(name)) is None:
        return None
    if not _WHOLE.match(text):
        raise _place(node, name).wrong(f"not a whole number: {_shown(text)}")
    return int(float(text))


def mass(node: Node | None, name: str | None = None) -> float | None:
    """Return a mass in kilograms, of the element or of its first child of that name; ``None`` where the unit is not one of
    mass.
    """
    text, unit = (None, None) if node is None else node.measured("unitCode", name)
    if text is None or node is None or (amount := _amount(text, node, name)) is None:
        return None
    return amount if unit == "KGM" else kilograms(amount, unit)


def money(node: Node | None, name: str | None = None, currency: str | None = None) -> Row | None:
    """Return an amount with its currency (that of the element, else the given one), of the element or of its first child of
    that name; ``None`` if either is missing.
    """
    text, stated = (None, None) if node is None else node.measured("currencyID", name)
    if text is None or node is None or (amount := _amount(text, node, name)) is None:
        return None
    stated = stated or currency
    return {"amount": amount, "currency": stated.upper()} if stated else None


def quantity(node: Node | None, name: str | None = None) -> Row | None:
    """Return a quantity with its Recommendation 20 unit, of the element or of its first child of that name; without a unit
    it says nothing.
    """
    text, stated = (None, None) if node is None else node.measured("unitCode", name)
    if text is None or node is None or (amount := _amount(text, node, name)) is None:
        return None
    unit = (stated or "").upper().partition("#")[0]
    return {"value": amount, "unit": unit} if _UNIT.match(unit) else None


def moment(node: Node | None) -> datetime | None:
    """Return a UTC time: UN/EDIFACT format 304, 204, 203 or 102 (with or without offset), or an XML Schema dateTime.

    A time without an offset is taken as UTC, the only reading that does not depend on where this runs.
    """
    if node is None:
        return None
    node = node.one("DateTimeString") or node.one("DateTime") or node
    text = node.text()
    if text is None:
        return None
    try:
        return _moment(text)
    except (ValueError, OverflowError) as error:
        raise node.wrong(f"not a time: {_shown(text)} ({error})") from None


def _moment(text: str) -> datetime:
    compact = _COMPACT_TIME.match(text)
    if compact is None:
        found = datetime.fromisoformat(text)
    else:
        day, minutes, seconds, offset = compact.groups()
        clock = (int(minutes[:2]), int(minutes[2:]), int(seconds or 0)) if minutes else (0, 0, 0)
        found = datetime(int(day[:4]), int(day[4:6]), int(day[6:]), *clock, tzinfo=UTC)
        if offset and offset != "Z":
            found = datetime.fromisoformat(f"{found:%Y-%m-%dT%H:%M:%S}{offset}")
    if found.tzinfo is UTC:
        return found
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def day(node: Node | None) -> date | None:
    """Return the calendar day of :func:`moment`, as written (not moved to UTC)."""
    if node is None:
        return None
    node = node.one("DateTimeString") or node.one("DateTime") or node
    text = node.text()
    if text is None:
        return None
    try:
        return date.fromisoformat(text[:10]) if "-" in text[:8] else datetime.strptime(text[:8], "%Y%m%d").date()
    except ValueError as error:
        raise node.wrong(f"not a date: {_shown(text)} ({error})") from None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def at_most_items(nodes: list[Node]) -> list[Node]:
    """Return the elements of the items; refuse more than the contract takes before they cost time and memory."""
    if len(nodes) > MAX_ITEMS:
        raise nodes[MAX_ITEMS].wrong(f"{len(nodes):,} items, more than {MAX_ITEMS:,}")
    return nodes


def contract_mistake(problems: list[Any], xpath: str) -> FeedError:
    """Say the first of pydantic's problems about a decoded message as one located sentence."""
    first = problems[0]
    pointer = "".join(f"/{step}" for step in first["loc"])
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    said = "not a code of the ISO list" if first["type"] == "literal_error" else first["msg"]
    shown = "" if isinstance(first["input"], dict | list) else f", got {_shown(str(first['input']))}"
    return FeedError(f"{said}{shown}, for the contract's {pointer}{more}", xpath)
