"""Values out of UN/EDIFACT segments: numbers, dates, masses, places. Left out or zero is ``None``; nonsense a located error."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from schemas.feeds._codelists import TRANSPORT_MODES, country
from schemas.feeds._edifact_syntax import Interchange, Segment

_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})\Z")
_WHOLE: Final = re.compile(r"[0-9]{1,12}(?:\.0*)?\Z")
_DIGITS: Final = re.compile(r"([0-9]{6,14})(.*)\Z", re.DOTALL)
_OFFSET: Final = re.compile(r"Z?([+-][0-9]{2}):?([0-9]{2})?\Z")
#: 2379, "Date or time or period format code", to how many digits stand in what order; a zone may follow.
_FORMATS: Final = {
    "2": "%d%m%y",
    "3": "%m%d%y",
    "4": "%d%m%Y",
    "101": "%y%m%d",
    "102": "%Y%m%d",
    "201": "%y%m%d%H%M",
    "202": "%y%m%d%H%M%S",
    "203": "%Y%m%d%H%M",
    "204": "%Y%m%d%H%M%S",
    "205": "%Y%m%d%H%M",
    "301": "%y%m%d%H%M",
    "302": "%y%m%d%H%M%S",
    "303": "%Y%m%d%H%M",
    "304": "%Y%m%d%H%M%S",
}
#: Where the format is left out, by length; six digits are YYMMDD, as in UNB.
_BY_LENGTH: Final = {6: "%y%m%d", 8: "%Y%m%d", 10: "%y%m%d%H%M", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
#: How many digits a pattern has, and whether it begins with the year in four.
_SIZES: Final = {
    pattern: (sum(4 if part == "Y" else 2 for part in pattern.replace("%", "")), pattern.startswith("%Y"))
    for pattern in (*_FORMATS.values(), *_BY_LENGTH.values())
}
#: Units that are written otherwise than UN/ECE Recommendation 20 has them; ``KG`` is Australia's.
_UNITS: Final = {"KG": "KGM", "KGS": "KGM", "G": "GRM", "T": "TNE", "MT": "TNE", "LB": "LBR", "LBS": "LBR"}


def shown(text: str) -> str:
    """Return a text as an error quotes it."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def number(segment: Segment, element: int, component: int = 1) -> float | None:
    """Return a number above zero. Point and comma are both decimal marks: ISO 9735 allows no other use of either."""
    text = segment.get(element, component)
    if text is None:
        return None
    if not _DECIMAL.match(plain := text.replace(",", ".")):
        raise segment.wrong(f"not a decimal number: {shown(text)}", element, component)
    amount = float(plain)
    if amount < 0:
        raise segment.wrong(f"below zero: {shown(text)}", element, component)
    return amount or None


def whole(segment: Segment, element: int, component: int = 1) -> int | None:
    """Return a whole number, zero included."""
    text = segment.get(element, component)
    if text is None:
        return None
    if not _WHOLE.match(plain := text.replace(",", ".")):
        raise segment.wrong(f"not a whole number: {shown(text)}", element, component)
    return int(float(plain))


def unit(stated: str | None) -> str | None:
    """Return a unit by its UN/ECE Recommendation 20 code where it is another spelling of a mass."""
    return None if stated is None else _UNITS.get(stated.upper(), stated.upper())


def moment(segment: Segment) -> datetime | None:
    """Return the UTC time of a DTM (C507). A time without a zone, or with one by name, is taken as UTC; a period is none."""
    text, form = segment.get(1, 2), segment.get(1, 3)
    if text is None or (form is not None and form not in _FORMATS):
        return None
    try:
        return instant(text, form)
    except (ValueError, OverflowError) as error:
        raise segment.wrong(f"not a time: {shown(text)} ({error})", 1, 2) from None


def instant(text: str, form: str | None = None) -> datetime:
    """Return a UTC time written in digits; :class:`ValueError` for anything else."""
    found = _DIGITS.match(text)
    if found is None:
        raise ValueError("no date in digits")
    digits, zone = found[1], found[2]
    pattern = _FORMATS[form] if form else _BY_LENGTH.get(len(digits))
    if pattern is None:
        raise ValueError("neither 6, 8, 10, 12 nor 14 digits")
    size, century = _SIZES[pattern]
    if len(digits) != size:
        raise ValueError(f"{len(digits)} digits where its format has {size}")
    if century:  # the usual case, ten times as fast as strptime
        hour, minute, second = int(digits[8:10] or 0), int(digits[10:12] or 0), int(digits[12:14] or 0)
        found_time = datetime(int(digits[:4]), int(digits[4:6]), int(digits[6:8]), hour, minute, second, tzinfo=UTC)
    else:
        found_time = datetime.strptime(digits, pattern).replace(tzinfo=UTC)
    offset = _OFFSET.match(zone.strip())
    if offset:
        hours, minutes = int(offset[1]), int(offset[2] or 0)
        found_time -= timedelta(hours=hours, minutes=minutes if hours >= 0 else -minutes)
    return found_time


def prepared(interchange: Interchange) -> datetime | None:
    """Return when UNB says that the interchange was prepared (S004)."""
    header = interchange.header
    day_, clock = header.get(4, 1), header.get(4, 2)
    if day_ is None:
        return None
    try:
        return instant(day_ + (clock or ""))
    except (ValueError, OverflowError) as error:
        raise header.wrong(
            f"not a date and time of preparation: {shown(day_)}, {shown(clock or '')} ({error})", 4
        ) from None


def day(segment: Segment) -> date | None:
    """Return the calendar day of a DTM, as written."""
    found = moment(segment)
    return None if found is None else found.date()


def place_country(segment: Segment) -> str | None:
    """Return the country of a LOC (C517, 3225): a country code, or the first two letters of a UN/LOCODE."""
    code = segment.get(2)
    return country(code[:2]) if code is not None and len(code) in (2, 5) else None


def mode(segment: Segment) -> str | None:
    """Return the mode of transport of a TDT (C220, 8067): UN/ECE Recommendation 19, also as ``30`` for ``3``; 9 is unknown."""
    code = segment.get(3)
    if code is None or code[:1] == "9" or len(code) > 2:
        return None
    return TRANSPORT_MODES.get(code[:1])
