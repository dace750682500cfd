"""Values as they come: what cannot be read is unknown (``None``), never a reason to refuse a whole declaration.

For formats where the mass ``-`` or the date ``00000000`` stands beside a name, a route and goods that are worth judging.
What a declaration cannot do without (an identity, one item) is refused elsewhere, with its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from schemas.declaration import TransportMode
from schemas.errors import FeedError
from schemas.feeds import _fields
from schemas.feeds._codelists import TRANSPORT_MODES, country
from schemas.feeds._fields import Row
from schemas.feeds._xml import Node
from schemas.types import currency_codes

#: The contract's own limits (``schemas.types``): a million tonnes is no consignment, and 99999999999 is a filler.
MAX_KILOGRAMS: Final = 1e9
MAX_COUNT: Final = 10**8
MAX_NUMBER: Final = 99_999
MAX_VERSION: Final = 1_000_000
MAX_AMOUNT: Final = 1e15

_FIRST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_CLOCKS: Final = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_PACKAGE_TYPE: Final = re.compile(r"[A-Z0-9]{1,2}\Z")
_COMMODITY: Final = re.compile(r"[0-9]{4,14}\Z")
_MRN: Final = re.compile(r"[0-9A-Z]{8,35}\Z")


def amount(node: Node | None, most: float = MAX_AMOUNT) -> float | None:
    """Return a decimal number above zero and not above ``most``."""
    try:
        found = _fields.number(node)
    except FeedError:
        return None
    return found if found is not None and found <= most else None


def mass(node: Node | None) -> float | None:
    """Return a mass in kilograms, the unit of every mass in NCTS, AES and ENS."""
    return amount(node, MAX_KILOGRAMS)


def money(value: float | None, currency: str | None) -> Row | None:
    """Return an amount of a currency of ISO 4217; ``None`` if either is missing or not known."""
    code = currency.upper() if currency else ""
    return {"amount": value, "currency": code} if value is not None and code in currency_codes() else None


def count(node: Node | None, most: int = MAX_COUNT) -> int | None:
    """Return a whole number, zero included (zero packages: they are packed with another item)."""
    try:
        found = _fields.whole(node)
    except FeedError:
        return None
    return found if found is not None and found <= most else None


def moment(node: Node | None) -> datetime | None:
    """Return a UTC time from 1990 to 2100; one without an offset is taken as UTC."""
    if node is None:
        return None
    try:
        found = _fields.moment(node)
    except FeedError:
        return None
    return found if found is not None and _FIRST <= found <= _LAST else None


def clock(digits: str) -> datetime | None:
    """Return the UTC time of ``ccyymmdd``, with ``hhmm`` or ``hhmmss`` behind it."""
    try:
        found = datetime.strptime(digits, _CLOCKS[len(digits)]).replace(tzinfo=UTC)
    except (KeyError, ValueError):
        return None
    return found if _FIRST <= found <= _LAST else None


def mode(code: str | None) -> TransportMode | None:
    """Return the mode of transport of UN/ECE Recommendation 19.

    Two digits, as box 25 of the single administrative document allows (Regulation (EEC) 2454/93, annex 38: 12 is a railway wagon
    on a ship), begin with the one of the active means of transport.
    """
    return TRANSPORT_MODES.get(code[0]) if code is not None and len(code) <= 2 and code.isdecimal() else None


def package_type(code: str | None) -> str | None:
    """Return a code of UN/ECE Recommendation 21."""
    code = code.upper() if code else ""
    return code if _PACKAGE_TYPE.match(code) else None


def commodity_code(*parts: str | None) -> str | None:
    """Return the digits of a tariff code from its parts (subheading, Combined Nomenclature, TARIC), as far as they are digits."""
    digits = ""
    for part in parts:
        whole = digits + re.sub(r"[ .]", "", part or "")
        if not _COMMODITY.match(whole):
            break
        digits = whole
    return digits or None


def mrn(text: str | None) -> str | None:
    """Return a movement reference number, upper case without blanks."""
    return "".join(text.split()).upper() or None if text else None


def contract_mrn(text: str | None) -> str | None:
    """Return the MRN if it has the form that the contract wants in a declaration."""
    return text if text is not None and _MRN.match(text) else None


def countries(codes: Iterable[str | None]) -> list[str]:
    """Return the codes that somebody lists, in order; the 99 that a declaration takes."""
    return [known for code in codes if (known := country(code)) is not None][:99]


def first_country(levels: Iterable[Node], name: str) -> str | None:
    """Return the first country that somebody lists, from the consignment down."""
    return next((known for level in levels if (known := country(level.text(name))) is not None), None)


def ordered(nodes: list[Node], *number: str) -> list[Node]:
    """Return siblings by their sequence number, as written where numbers are missing or equal."""
    if len(nodes) < 2:
        return nodes
    places = [(count(node.one(*number)) or place, place) for place, node in enumerate(nodes, 1)]
    return [node for _, node in sorted(zip(places, nodes, strict=True), key=lambda pair: pair[0])]


def number_items(items: list[Row]) -> None:
    """Number items by their place where any number is missing or stands twice: findings point at items by number."""
    numbers = [item["number"] for item in items]
    if any(not number for number in numbers) or len(set(numbers)) < len(numbers):
        for place, item in enumerate(items, 1):
            item["number"] = place


def unique(texts: Iterable[str | None]) -> list[str]:
    """Return texts once each, in the order of their first mention."""
    return list(dict.fromkeys(text for text in texts if text is not None))
