"""Values out of ASYCUDA World XML: ``<null/>``, American dates, several lines in one text, national currency."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, Final

import pycountry

from schemas.feeds._fields import number
from schemas.feeds._xml import Node
from schemas.types import currency_codes

Row = dict[str, Any]

_SLASHED: Final = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})(?:[ T].*)?\Z")
_ISO: Final = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[ T].*)?\Z")
#: Countries whose currency does not begin with their own code, as ISO 4217 else has it: the Eastern Caribbean Currency Union
#: and the two CFA zones (members of ECCB, BCEAO, BEAC).
_UNIONS: Final = {
    **dict.fromkeys("AG AI DM GD KN LC MS VC".split(), "XCD"),
    **dict.fromkeys("BF BJ CI GW ML NE SN TG".split(), "XOF"),
    **dict.fromkeys("CF CG CM GA GQ TD".split(), "XAF"),
}


def said(node: Node | None, *path: str) -> str | None:
    """Return the text at a path; ``None`` for an element that is absent, empty, or holds ``<null/>`` or the word."""
    text = None if node is None else node.text(*path)
    return None if text is None or text == "null" else " ".join(text.split()) or None


def lines(node: Node | None, *path: str) -> list[str]:
    """Return the lines of a text, without blank ones."""
    text = None if node is None else node.text(*path)
    if text is None or text == "null":
        return []
    return [line for part in text.splitlines() if (line := " ".join(part.split()))]


def figure(node: Node | None, *path: str) -> float | None:
    """Return a number above zero at a path; thousands may be set off by commas, as in ``1,742,468.33``."""
    found = node.one(*path) if node is not None and path else node
    text = said(found)
    if found is None or text is None:
        return None
    if re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?", text):
        return float(text.replace(",", "")) or None
    return number(found)


def day(node: Node | None, *path: str) -> date | None:
    """Return a date as ASYCUDA writes it: month, day, year (``11/19/25`` and ``1/9/2025``), or ISO 8601.

    Where the first number cannot be a month it is the day. Points between the numbers (``19.11.2025``) mean day, month, year.
    """
    found = node.one(*path) if node is not None and path else node
    text = said(found)
    if found is None or text is None:
        return None
    try:
        return _day(text)
    except ValueError as error:
        raise found.wrong(f"not a date (month/day/year): {text[:60]!r} ({error})") from None


def _day(text: str) -> date:
    if iso := _ISO.match(text):
        return date(int(iso[1]), int(iso[2]), int(iso[3]))
    found = _SLASHED.match(text)
    if found is None:
        raise ValueError("neither month/day/year nor year-month-day")
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    year += 2000 if len(found[4]) == 2 else 0
    month, day_ = (second, first) if found[2] == "." or first > 12 else (first, second)
    return date(year, month, day_)


def midnight(found: date | None) -> datetime | None:
    """Return the beginning of a day, UTC."""
    return None if found is None else datetime(found.year, found.month, found.day, tzinfo=UTC)


def money(amount: float | None, currency: str | None) -> Row | None:
    """Return an amount with its currency, ``None`` if either is missing."""
    return {"amount": amount, "currency": currency.upper()} if amount is not None and currency else None


@cache
def national_currency(country: str | None) -> str | None:
    """Return the currency of a country where ISO 4217 leaves no doubt: the one code that begins with the country's own."""
    if country is None:
        return None
    if country in _UNIONS:
        return _UNIONS[country]
    own = [code for code in currency_codes() if code[:2] == country]
    return own[0] if len(own) == 1 else None


@cache
def _countries() -> dict[str, str]:
    names = {}
    for country in pycountry.countries:
        for name in (country.name, getattr(country, "common_name", None), getattr(country, "official_name", None)):
            if name:
                names[name.upper()] = str(country.alpha_2)
    return names


def party(code: str | None, block: list[str]) -> Row | None:
    """Return a party of its code and its block of lines: the name, the address; a last line may be the country's name."""
    if code is None and not block:
        return None
    rest = block[1:]
    country = _countries().get(rest[-1].upper().strip(" .")) if rest else None
    return {
        "id": code,
        "name": block[0][:512] if block else None,
        "address": ", ".join(rest)[:512] or None,
        "country": country,
    }
