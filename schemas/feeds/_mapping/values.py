"""A text of a feed to a value of the contract. Nothing said is ``None``; nonsense a ``ValueError`` with a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import pycountry

from schemas.feeds._codelists import TRANSPORT_MODES, country
from schemas.feeds._mapping.targets import Target
from schemas.types import country_codes, currency_codes

if TYPE_CHECKING:
    from schemas.feeds._mapping.model import File, Source

Convert = Callable[[str], Any]

#: Blanks that stand between thousands: ordinary, no-break, thin, narrow no-break.
_BLANKS: Final = " \u00a0\u2009\u202f"
_THOUSANDS: Final = {"": None, ".": r"\.", ",": ",", " ": f"[{_BLANKS}]", "'": "['’]"}
_COMPACT: Final = re.compile(r"([0-9]{8})[T ]?([0-9]{4})([0-9]{2})?\Z")
_EXCEL_ZERO: Final = datetime(1899, 12, 30)
#: Names of dates that are numbers: seconds or milliseconds since 1970, days of a spreadsheet.
COUNTED_DATES: Final = ("unix", "unix_ms", "excel")


def shown(text: str) -> str:
    """Quote a text, shortly."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


@cache
def _number_form(decimal: str, thousands: str) -> tuple[re.Pattern[str], re.Pattern[str] | None]:
    mark = re.escape(decimal)
    between = _THOUSANDS[thousands]
    grouped = f"[0-9]{{1,3}}(?:{between}[0-9]{{2,3}}){{1,10}}|" if between else ""
    whole = re.compile(
        rf"[+-]?(?=[0-9]|{mark}[0-9])(?:{grouped}[0-9]{{1,30}})?(?:{mark}[0-9]{{0,30}})?(?:[eE][+-]?[0-9]{{1,2}})?\Z"
    )
    return whole, re.compile(between) if between else None


def number(text: str, decimal: str = ".", thousands: str = "") -> float:
    """Read a number that is not below zero."""
    form, between = _number_form(decimal, thousands)
    if not form.match(text):
        raise ValueError(
            f"not a number: {shown(text)} (decimal mark {decimal!r}, thousands {thousands or 'not marked'!r})"
        )
    digits = between.sub("", text) if between else text
    found = float(digits.replace(decimal, "."))
    if found < 0:
        raise ValueError(f"below zero: {shown(text)}")
    return found


def whole(text: str, decimal: str = ".", thousands: str = "") -> int:
    """Read a whole number; ``40,0`` is one."""
    found = number(text, decimal, thousands)
    if found != int(found):
        raise ValueError(f"not a whole number: {shown(text)}")
    return int(found)


@lru_cache(maxsize=4096)
def moment(text: str, formats: tuple[str, ...], zone: str) -> datetime:
    """Read a time into UTC; one without an offset is of that zone."""
    found = _moment(text, formats)
    try:
        aware = found.replace(tzinfo=ZoneInfo(zone)) if found.tzinfo is None else found
        return aware.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"not a time: {shown(text)}") from None


def _moment(text: str, formats: tuple[str, ...]) -> datetime:
    for form in formats:
        try:
            return _counted(text, form) if form in COUNTED_DATES else datetime.strptime(text, form)
        except (ValueError, OverflowError):
            continue
    if formats:
        raise ValueError(f"not a date as {' or '.join(formats)}: {shown(text)}")
    try:
        if compact := _COMPACT.match(text):
            return datetime.strptime(f"{compact[1]}{compact[2]}{compact[3] or '00'}", "%Y%m%d%H%M%S")
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"not an ISO 8601 date: {shown(text)}; say how it is written, as date: '%d/%m/%Y'") from None


def _counted(text: str, form: str) -> datetime:
    count = float(text)
    if form == "excel":
        if not 1 <= count < 100_000:
            raise ValueError
        return _EXCEL_ZERO + timedelta(days=count)
    return datetime.fromtimestamp(count / (1_000 if form == "unix_ms" else 1), UTC)


def day(text: str, formats: tuple[str, ...]) -> date:
    """Read a calendar day, as written."""
    return _moment(text, formats).date()


@cache
def country_names() -> dict[str, str]:
    """Return alpha-3, numeric codes and English names (ISO 3166-1), case-folded, with their alpha-2 code."""
    found = {}
    for known in pycountry.countries:
        for key in ("alpha_2", "alpha_3", "numeric", "name", "common_name", "official_name"):
            if (name := getattr(known, key, None)) is not None:
                found[str(name).casefold()] = str(known.alpha_2)
    return found


def _country(text: str) -> str:
    found = country(text)
    if found is None:
        raise ValueError(f"not an ISO 3166-1 country code: {shown(text)}; names and other codes need a table")
    return found


def _currency(text: str) -> str:
    if (code := text.upper()) not in currency_codes():
        raise ValueError(f"not an ISO 4217 currency: {shown(text)}; other names need a table")
    return code


def _commodity(pad: int | None) -> Convert:
    form = re.compile(r"[0-9]{4,14}\Z")

    def convert(text: str) -> str:
        digits = re.sub(r"[\s.\-]", "", text)
        if pad is not None and digits.isdigit():
            digits = digits.zfill(pad)
        if not form.match(digits):
            raise ValueError(f"a commodity code has 4 to 14 digits, not {shown(text)}")
        return digits

    return convert


def _choice(choices: tuple[str, ...]) -> Convert:
    def convert(text: str) -> str:
        if (found := text.lower()) not in choices:
            raise ValueError(f"not one of {', '.join(choices)}: {shown(text)}; codes need a table")
        return found

    return convert


def _upper_without_blanks(text: str) -> str:
    return re.sub(r"\s", "", text).upper()


_SIMPLE: dict[str, Convert] = {
    "text": lambda text: text,
    "mrn": _upper_without_blanks,
    "upper": lambda text: text.upper(),
    "package": lambda text: text.upper(),
    "country": _country,
    "currency": _currency,
}


def of_kind(target: Target, source: Source, file: File) -> Convert:
    """Return how a text becomes a value of a target, tables and the like left out."""
    kind = target.kind
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    decimal = source.decimal or file.numbers.decimal
    thousands = file.numbers.thousands if source.thousands is None else source.thousands
    if kind == "whole":
        return lambda text: whole(text, decimal, thousands)
    if kind in ("kg", "m3", "amount"):
        return lambda text: number(text, decimal, thousands)
    if kind == "commodity":
        return _commodity(source.pad)
    if kind == "choice":
        return _choice(target.choices)
    formats, zone = tuple(source.date), source.zone or file.zone
    if kind == "day":
        return lambda text: day(text, formats)
    return lambda text: moment(text, formats, zone)


def table_of(source: Source) -> tuple[dict[str, str | None], dict[str, str | None]] | None:
    """Return a source's code table as written and case-folded; None: it has none."""
    if source.known_table == "countries":
        return {}, dict(country_names())
    if source.known_table == "transport_modes":
        return dict(TRANSPORT_MODES), {}
    if source.table is None:
        return None
    return source.table, {key.casefold(): value for key, value in source.table.items()}


def is_country(text: str) -> bool:
    """Say whether this is an ISO code as it stands."""
    return text in country_codes()


@cache
def extraction(pattern: str) -> Convert:
    """Return what cuts the one group of a pattern out of a text ("" where it does not match).

    RE2 does it, which pyarrow brings: its time grows with the text and never with the pattern's ways of going wrong.

    Raises
    ------
    ValueError : RE2 does not take the pattern, or it has not exactly one group.
    """
    import pyarrow.compute

    options = pyarrow.compute.ExtractRegexOptions(_named_group(pattern))

    def extract(text: str) -> str:
        found = pyarrow.compute.call_function("extract_regex", [pyarrow.scalar(text)], options).as_py()
        return found["v"] if found else ""

    try:
        extract("")
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"not a pattern of RE2: {str(error).splitlines()[0][:200]}") from None
    return extract


def _named_group(pattern: str) -> str:
    """Name the one capturing group, as pyarrow wants it."""
    opened = []
    at, in_class = 0, False
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
            at += 1 + (pattern[at + 1 : at + 2] == "^")  # a "]" right here is a member
        elif char == "(" and pattern[at + 1 : at + 2] != "?":
            opened.append(at)
        at += 1
    if len(opened) != 1:
        raise ValueError(f"a pattern has one group (...) around what is wanted, this one has {len(opened)}")
    return f"{pattern[: opened[0]]}(?P<v>{pattern[opened[0] + 1 :]}"
